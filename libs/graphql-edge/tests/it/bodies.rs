//! Bodies of requests that are accepted and rejected.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use graphql_edge::Limits;
use serde_json::json;

use crate::schema::{limits, post_request, service, service_with};

const LOGIN: &str = r#"{"query":"mutation { login(password: \"right\") }"}"#;

#[tokio::test]
async fn a_json_body_is_executed() {
    let service = service();
    let answer = service.post(LOGIN).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({ "data": { "login": true } })));
    assert_eq!(service.executed.count(), 1);
}

#[tokio::test]
async fn variables_an_operation_name_and_extensions_are_read() {
    let body = json!({
        "query": "query A { a: greeting } query B($name: String) { b: greeting(name: $name) }",
        "operationName": "B", "variables": { "name": "Ada" }, "extensions": { "trace": 1 }, "somethingElse": [],
    });
    assert_eq!(service().post(body.to_string()).await.body, json!({ "data": { "b": "Hello, Ada" } }));
}

#[tokio::test]
async fn members_may_be_null_and_the_operation_name_may_be_empty() {
    for body in [
        json!({ "query": "{ greeting }", "operationName": null, "variables": null, "extensions": null }),
        json!({ "query": "{ greeting }", "operationName": "" }),
    ] {
        assert_eq!(service().post(body.to_string()).await.body, json!({ "data": { "greeting": "Hello, " } }));
    }
}

#[tokio::test]
async fn the_service_adds_to_the_context() {
    let answer = service().query("{ caller }").await;
    assert_eq!(answer.body, json!({ "data": { "caller": "http" } }));
}

#[tokio::test]
async fn ghsa_hff2_gcpx_8f4p_a_body_that_a_form_of_another_site_could_send_is_not_executed() {
    let service = service();
    for content_type in [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonp",
        "",
    ] {
        let request = Request::post("/graphql").header("content-type", content_type).body(LOGIN.into()).unwrap();
        let answer = service.send(request).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        assert_eq!(answer.code(), "UNSUPPORTED_MEDIA_TYPE", "{content_type}");
    }
    let without = Request::post("/graphql").body(LOGIN.into()).unwrap();
    assert_eq!(service.send(without).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let twice = post_request().header("content-type", "text/plain").body(LOGIN.into()).unwrap();
    assert_eq!(service.send(twice).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let packed = post_request().header("content-encoding", "gzip").body(LOGIN.into()).unwrap();
    assert_eq!(service.send(packed).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(service.executed.count(), 0);
}

#[tokio::test]
async fn json_may_be_written_in_any_case_and_with_its_charset() {
    for content_type in
        ["Application/JSON", "application/json;charset=UTF-8", "application/json; charset=\"utf-8\"; v=1"]
    {
        let request = Request::post("/graphql").header("content-type", content_type).body(LOGIN.into()).unwrap();
        assert_eq!(service().send(request).await.status, StatusCode::OK, "{content_type}");
    }
}

#[tokio::test]
async fn no_other_method_is_answered() {
    let service = service();
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
        let uri = "/graphql?query=mutation%7Brefresh%7D";
        let answer = service.send(Request::builder().method(&method).uri(uri).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!((answer.code(), answer.header("allow")), ("METHOD_NOT_ALLOWED", "POST"), "{method}");
    }
    assert_eq!(service.executed.count(), 0);
}

#[tokio::test]
async fn a_batch_is_refused() {
    let service = service();
    for batch in [format!("[{LOGIN}]"), format!(" \n[{LOGIN},{LOGIN}]"), "[]".into(), r#"["{ greeting }"]"#.into()] {
        let answer = service.post(batch).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "BAD_REQUEST"));
        assert_eq!(answer.message(), "Batching is not supported.");
    }
    assert_eq!(service.executed.count(), 0);
}

#[tokio::test]
async fn the_message_about_a_malformed_body_does_not_repeat_it() {
    for (body, message) in [
        ("", "The body must be a JSON object."),
        ("null", "The body must be a JSON object."),
        ("\"hunter2\"", "The body must be a JSON object."),
        (r#"{"query":"hunter2""#, "The body is not valid JSON."),
        (r#"{"query":"{ greeting }"}hunter2"#, "The body is not valid JSON."),
        ("{}", "`query` must be a string."),
        (r#"{"query":null}"#, "`query` must be a string."),
        (r#"{"query":["hunter2"]}"#, "`query` must be a string."),
        (r#"{"query":"{ greeting }","operationName":7}"#, "`operationName` must be a string."),
        (r#"{"query":"{ greeting }","variables":"hunter2"}"#, "`variables` must be an object."),
        (r#"{"query":"{ greeting }","variables":[1]}"#, "`variables` must be an object."),
        (r#"{"query":"{ greeting }","extensions":"hunter2"}"#, "`extensions` must be an object."),
        (r#"{"query":"{ greeting }","query":"{ hunter2 }"}"#, "The body is not a GraphQL request."),
    ] {
        let answer = service().post(body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "BAD_REQUEST"), "{body}");
        assert_eq!(answer.message(), message, "{body}");
        assert!(!answer.body.to_string().contains("hunter2"), "{body}");
    }
}

/// axum accepted bodies of any size. RUSTSEC-2024-0363: the database interpreted a value of more than 4 GiB as further
/// commands.
#[tokio::test]
async fn rustsec_2022_0055_a_large_body_is_refused_also_when_its_length_is_not_announced() {
    let service = service();
    let body = json!({ "query": "{ greeting }", "extensions": { "x": "y".repeat(140_000) } }).to_string();
    let announced = service.post(body.clone()).await;
    let pieces: Vec<_> = body.as_bytes().chunks(1000).map(Bytes::copy_from_slice).map(Ok::<_, Infallible>).collect();
    let chunked = service.post(Body::from_stream(stream::iter(pieces))).await;
    for answer in [announced, chunked] {
        assert_eq!((answer.status, answer.code()), (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"));
    }
}

#[tokio::test]
async fn a_body_of_the_maximum_size_is_read() {
    let body = r#"{"query":"{ greeting }"}"#;
    let service = service_with(Limits { body_bytes: body.len(), ..limits() });
    assert_eq!(service.post(body).await.status, StatusCode::OK);
    assert_eq!(service.post(format!("{body} ")).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_rejected() {
    let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{\"query\":"))]);
    let answer = service_with(Limits { body_timeout: Duration::from_secs(10), ..limits() })
        .post(Body::from_stream(first.chain(stream::pending())))
        .await;
    assert_eq!((answer.status, answer.code()), (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"));
}

#[tokio::test]
async fn a_body_that_ends_early_is_rejected() {
    let broken = stream::iter([Ok(Bytes::from_static(b"{\"query\":")), Err(std::io::Error::other("reset"))]);
    let answer = service().post(Body::from_stream(broken)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "BAD_REQUEST"));
}
