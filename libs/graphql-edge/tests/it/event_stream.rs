//! Server-sent events: GraphQL over SSE, distinct connections mode.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use futures_util::{FutureExt, StreamExt};
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

use crate::schema::{limits, post_request, service, service_with};

const EVENTS: &str = "text/event-stream";

async fn send(accept: &str, document: &str) -> Response<Body> {
    let body = json!({ "query": document }).to_string();
    let request = post_request().header("accept", accept).body(Body::from(body)).unwrap();
    service().router.oneshot(request).await.unwrap()
}

async fn read(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test]
async fn each_result_is_an_event_and_so_is_the_end() {
    let response = send(EVENTS, "subscription { count(to: 2) }").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let expected = "event: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\n\
                    event: complete\ndata:\n\n";
    assert_eq!(read(response).await, expected);
}

#[tokio::test]
async fn a_query_has_one_result() {
    let text = read(send(EVENTS, "{ caller }").await).await;
    assert_eq!(text, "event: next\ndata: {\"data\":{\"caller\":\"http\"}}\n\nevent: complete\ndata:\n\n");
}

#[tokio::test]
async fn an_error_in_a_document_is_an_event_with_its_code() {
    for (document, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { refused }", "UNAUTHENTICATED"),
        ("mutation { a: login(password: \"x\") b: login(password: \"y\") }", "LIMIT_EXCEEDED"),
    ] {
        let text = read(send(EVENTS, document).await).await;
        assert!(text.starts_with("event: next\ndata: {\"errors\"") && text.contains(code), "{document}: {text}");
        assert!(text.ends_with("event: complete\ndata:\n\n"), "{text}");
    }
}

/// graphql-hive/gateway#2546: a restart looked like the end of the subscription, and no client came back.
#[tokio::test]
async fn a_stop_breaks_subscriptions_off_without_their_completion() {
    let service = service();
    let send = async |document: &str| {
        let body = json!({ "query": document }).to_string();
        let request = post_request().header("accept", EVENTS).body(Body::from(body)).unwrap();
        service.router.clone().oneshot(request).await.unwrap().into_body().into_data_stream()
    };
    let mut running = send("subscription { never }").await;
    assert!(running.next().now_or_never().is_none());
    let waiting = send("{ caller }").await;
    service.edge.stop();
    let late = send("subscription Named { count(to: 2) }").await;
    for mut broken in [running, late] {
        broken.next().await.unwrap().unwrap_err();
        assert!(broken.next().await.is_none());
    }
    let answered: Vec<_> = waiting.map(|chunk| String::from_utf8(chunk.unwrap().into()).unwrap()).collect().await;
    assert!(answered.concat().ends_with("event: complete\ndata:\n\n"), "{answered:?}");
}

#[tokio::test]
async fn events_are_sent_only_to_clients_that_prefer_them() {
    for (accept, content_type) in [
        ("text/event-stream, application/json;q=0.9", "text/event-stream; charset=utf-8"),
        ("application/json, text/event-stream", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
        ("text/event-stream;q=0.1, application/json", "application/json; charset=utf-8"),
    ] {
        assert_eq!(send(accept, "{ greeting }").await.headers()["content-type"], content_type, "{accept}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_has_an_error_status() {
    let request = post_request().header("accept", EVENTS).body("[]".into()).unwrap();
    assert_eq!(service().send(request).await.code(), "BAD_REQUEST");
    let request = post_request().header("accept", EVENTS).header("content-encoding", "gzip");
    let answer = service().send(request.body("{}".into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(start_paused = true)]
async fn comments_keep_a_silent_operation_alive() {
    let mut limits = limits();
    limits.keepalive = Duration::from_secs(20);
    let body = json!({ "query": "subscription { never }" }).to_string();
    let request = post_request().header("accept", EVENTS).body(Body::from(body)).unwrap();
    let response = service_with(limits).router.oneshot(request).await.unwrap();
    let mut chunks = response.into_body().into_data_stream();
    assert!(chunks.next().now_or_never().is_none());
    assert_eq!(chunks.next().await.unwrap().unwrap(), ":\n\n");
}
