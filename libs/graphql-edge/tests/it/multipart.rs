//! Subscriptions as parts of one response, as Apollo's clients ask for them.

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

use crate::schema::{post_request, service};

/// What Apollo Client sends with a subscription.
const ACCEPT: &str = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json";

async fn send(accept: &str, document: &str) -> (String, String) {
    let body = Body::from(json!({ "query": document }).to_string());
    let request = post_request().header("accept", accept).body(body).unwrap();
    let response = service().router.oneshot(request).await.unwrap();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (content_type, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn each_result_of_a_subscription_is_a_part() {
    for accept in [ACCEPT, "multipart/mixed;subscriptionSpec=\"1.0\"", "multipart/mixed; subscriptionspec = 1.0"] {
        let (content_type, body) = send(accept, "subscription { count(to: 2) }").await;
        assert_eq!(content_type, "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0");
        let part = |n: usize| {
            format!(
                "\r\n--graphql\r\nContent-Type: application/json\r\n\r\n{{\"payload\":{{\"data\":{{\"count\":{n}}}}}}}"
            )
        };
        assert_eq!(body, format!("{}{}\r\n--graphql--\r\n", part(1), part(2)), "{accept}");
    }
    let (_, body) = send(ACCEPT, "subscription { refused }").await;
    assert!(body.contains("{\"payload\":{") && body.contains("UNAUTHENTICATED"), "{body}");
}

#[tokio::test]
async fn everything_else_is_answered_as_usual() {
    for (accept, document, expected) in [
        (ACCEPT, "{ caller }", "{\"data\":{\"caller\":\"http\"}}"),
        (ACCEPT, "{", "GRAPHQL_PARSE_FAILED"),
        ("multipart/mixed;subscriptionSpec=1.0", "{ caller }", "{\"data\":{\"caller\":\"http\"}}"),
        ("multipart/mixed;deferSpec=20220824, application/json", "subscription { count(to: 1) }", "errors"),
        ("multipart/mixed;deferSpec=20220824", "{ caller }", "NOT_ACCEPTABLE"),
        ("multipart/mixed;subscriptionSpec=1.0;q=0, application/json", "subscription { count(to: 1) }", "errors"),
    ] {
        let (content_type, body) = send(accept, document).await;
        assert!(content_type.starts_with("application/json") && body.contains(expected), "{accept}: {body}");
    }
}
