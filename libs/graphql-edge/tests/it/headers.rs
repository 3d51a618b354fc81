//! Media types and statuses: the specification of GraphQL over HTTP.

use axum::http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::schema::{Answer, post_request, service};

const JSON: &str = "application/json; charset=utf-8";
const GRAPHQL: &str = "application/graphql-response+json; charset=utf-8";

async fn query(accept: &str, document: &str) -> Answer {
    let body = json!({ "query": document }).to_string();
    service().send(post_request().header("accept", accept).body(body.into()).unwrap()).await
}

#[tokio::test]
async fn the_media_type_is_the_one_that_the_client_prefers() {
    for (accept, content_type) in [
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/graphql-response+json;q=0.5, */*;q=0.4", GRAPHQL),
        ("application/json;q=0, */*", GRAPHQL),
        ("*/*, application/graphql-response+json;q=0", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
    ] {
        let answer = query(accept, "{ greeting }").await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, content_type), "{accept}");
    }
}

#[tokio::test]
async fn without_a_preference_the_response_is_json() {
    assert_eq!(service().query("{ greeting }").await.header("content-type"), JSON);
}

#[tokio::test]
async fn an_empty_accept_header_is_no_preference() {
    for accept in ["", " ", ",", ", ,"] {
        let answer = query(accept, "{ greeting }").await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, JSON), "{accept:?}");
    }
}

/// What browsers and libraries send.
#[tokio::test]
async fn usual_accept_headers_are_understood() {
    for (accept, content_type) in [
        // fetch, curl, XMLHttpRequest.
        ("*/*", JSON),
        // A link that is opened in Firefox, and in Chrome.
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", JSON),
        // Angular, axios.
        ("application/json, text/plain, */*", JSON),
        // Apollo Client, and with deferred fragments or subscriptions.
        ("application/graphql-response+json,application/json;q=0.9", GRAPHQL),
        ("multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9", GRAPHQL),
        // urql, Relay, graphql-request, graphql-http.
        (
            "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
            GRAPHQL,
        ),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        // Java, .NET, an unquoted weight without a digit behind the point.
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
        ("application/json,", JSON),
        (",application/graphql-response+json", GRAPHQL),
    ] {
        let answer = query(accept, "{ greeting }").await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, content_type), "{accept}");
    }
}

#[tokio::test]
async fn bytes_in_one_range_do_not_matter_to_the_others() {
    let mut request = post_request().body(r#"{"query":"{ greeting }"}"#.into()).unwrap();
    request.headers_mut().insert("accept", HeaderValue::from_bytes(b"x/\xe4, application/json").unwrap());
    assert_eq!(service().send(request).await.header("content-type"), JSON);
}

#[tokio::test]
async fn several_accept_headers_are_combined() {
    let request = post_request()
        .header("accept", "text/html")
        .header("accept", "application/graphql-response+json")
        .body(r#"{"query":"{ greeting }"}"#.into())
        .unwrap();
    assert_eq!(service().send(request).await.header("content-type"), GRAPHQL);
}

#[tokio::test]
async fn a_client_that_accepts_neither_media_type_is_rejected() {
    for accept in ["text/html", "application/xml, text/*", "application/json;q=0", "*/*;q=0", "application/json;q=x"] {
        let answer = query(accept, "{ greeting }").await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE"), "{accept}");
    }
    let mut request = post_request().body(r#"{"query":"{ greeting }"}"#.into()).unwrap();
    request.headers_mut().insert("accept", HeaderValue::from_bytes(b"\xff").unwrap());
    assert_eq!(service().send(request).await.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn a_request_that_was_not_executed_has_no_data_and_a_status_by_the_media_type() {
    for (document, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ tree { leaf } } query B { greeting }", "GRAPHQL_PARSE_FAILED"),
        ("query A { greeting } query B { greeting }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { a: refresh b: refresh }", "LIMIT_EXCEEDED"),
        ("query($a: Int!) { greeting }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { never }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        for (accept, status) in
            [("application/json", StatusCode::OK), ("application/graphql-response+json", StatusCode::BAD_REQUEST)]
        {
            let answer = query(accept, document).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{document} {accept}");
            assert_eq!(answer.body.get("data"), None, "{document} {accept}");
        }
    }
}

#[tokio::test]
async fn an_executed_request_has_the_status_200_even_if_a_resolver_failed() {
    for accept in ["application/json", "application/graphql-response+json"] {
        let answer = query(accept, "{ coded }").await;
        assert_eq!((answer.status, answer.code()), (StatusCode::OK, "NOT_FOUND"), "{accept}");
        assert_eq!(answer.body.get("data"), Some(&json!(null)), "{accept}");
    }
}

#[tokio::test]
async fn a_malformed_body_has_the_status_400_in_both_media_types() {
    for (accept, content_type) in [("application/json", JSON), ("application/graphql-response+json", GRAPHQL)] {
        let answer = service().send(post_request().header("accept", accept).body("{}".into()).unwrap()).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::BAD_REQUEST, content_type));
    }
}

#[tokio::test]
async fn headers_of_resolvers_are_kept_and_responses_must_not_be_cached() {
    let answer = service().query("{ cookies }").await;
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["one=1", "two=2"]);
    assert_eq!(answer.header("cache-control"), "no-store");
    let refused = service().post("{}").await;
    assert_eq!(refused.header("cache-control"), "no-store");
}
