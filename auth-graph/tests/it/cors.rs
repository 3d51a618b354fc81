//! Responses to pages of other origins (the CORS protocol of the Fetch standard).

use axum::body::Body;
use axum::http::Request;
use model::config::OldNames;

use crate::support::{Answer, TestApp};

const APP: &str = "https://app.test";

/// Every path that pages call.
const PATHS: [&str; 19] = [
    "/graphql",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/auth/token/",
    "/auth/token/refresh/",
    "/auth/token/verify/",
    "/auth/token/blacklist/",
    "/auth/user/",
    "/auth/create-user/",
    "/auth/password-change/",
    "/auth/login",
    "/auth/verify",
    "/auth/refresh",
    "/auth/sign-in/",
    "/auth/refresh/",
    "/auth/verify/",
    "/auth/logoff/",
    "/auth/user",
];

async fn listing_one() -> TestApp {
    TestApp::with(|config| {
        config.rest.enabled = true;
        config.rest.old_names = vec![OldNames::DjangoAuthService, OldNames::DjangoRestMicroservice];
        config.server.allowed_origins = vec![APP.to_owned(), "capacitor://localhost".to_owned()];
    })
    .await
}

async fn preflight(test: &TestApp, path: &str, origin: &str) -> Answer {
    preflight_for(test, path, origin, "content-type,x-csrf-token").await
}

async fn preflight_for(test: &TestApp, path: &str, origin: &str, headers: &str) -> Answer {
    let request = Request::options(path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", headers);
    test.anonymous().request(request.body(Body::empty()).unwrap()).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_listed_origin_may_call_with_credentials() {
    let test = listing_one().await;
    let answer = preflight(&test, "/graphql", APP).await;
    assert_eq!(answer.status, 200);
    assert_eq!(header(&answer, "access-control-allow-origin"), APP);
    assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
    assert_eq!(header(&answer, "access-control-allow-methods"), "GET,POST");
    assert_eq!(header(&answer, "access-control-allow-headers"), "content-type,x-csrf-token");

    let answer = test.anonymous().with_header("origin", APP).send("{ __typename }", serde_json::json!({})).await;
    assert_eq!(header(&answer, "access-control-allow-origin"), APP);
    assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
    assert!(header(&answer, "vary").to_lowercase().contains("origin"));
}

/// ory/hydra#1421: pages could not use the token endpoint.
#[tokio::test]
async fn every_path_that_pages_call_answers_listed_origins() {
    let test = listing_one().await;
    for path in PATHS {
        for origin in [APP, "capacitor://localhost"] {
            let asked = preflight(&test, path, origin).await;
            assert_eq!(asked.status, 200, "{path}");
            let sent = test.anonymous().with_header("origin", origin).post(path, serde_json::json!({})).await;
            for answer in [asked, sent] {
                assert_eq!(header(&answer, "access-control-allow-origin"), origin, "{path}");
                assert_eq!(header(&answer, "access-control-allow-credentials"), "true", "{path}");
            }
        }
        let foreign = preflight(&test, path, "https://evil.test").await;
        assert_eq!(header(&foreign, "access-control-allow-origin"), "", "{path}");
    }
}

/// graphile/crystal#921: programs for traces and errors put headers of their own on every request.
#[tokio::test]
async fn every_header_that_is_asked_for_is_allowed() {
    let test = listing_one().await;
    for path in PATHS {
        for names in ["baggage,content-type,sentry-trace,traceparent", "apollographql-client-name, X-Anything", "dpop"]
        {
            let answer = preflight_for(&test, path, APP, names).await;
            assert_eq!(header(&answer, "access-control-allow-headers"), names, "{path}");
        }
        for other in ["content type", "a,,b", "x: y", "<script>", "a;b", ""] {
            let answer = preflight_for(&test, path, APP, other).await;
            assert_eq!(header(&answer, "access-control-allow-headers"), "", "{path} {other}");
        }
    }
}

#[tokio::test]
async fn without_listed_origins_no_other_origin_may_call() {
    let test = TestApp::new().await;
    let asked = preflight(&test, "/graphql", APP).await;
    assert_eq!(asked.status, 405);
    let sent = test.anonymous().with_header("origin", APP).send("{ __typename }", serde_json::json!({})).await;
    for answer in [asked, sent] {
        assert!(
            !answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")),
            "{:?}",
            answer.headers
        );
    }
}

#[tokio::test]
async fn ghsa_x3f4_v83f_7wp2_other_origins_get_no_cors_headers() {
    let test = listing_one().await;
    for origin in
        ["https://evil.test", "http://app.test", "https://app.test:8443", "https://app.test.evil.test", "null", "*"]
    {
        let caller = test.anonymous().with_header("origin", origin);
        for answer in
            [preflight(&test, "/graphql", origin).await, caller.send("{ __typename }", serde_json::json!({})).await]
        {
            assert_eq!(header(&answer, "access-control-allow-origin"), "", "{origin}");
            assert_eq!(header(&answer, "access-control-allow-credentials"), "", "{origin}");
            // A cache must not give this answer to a page that is listed.
            assert!(header(&answer, "vary").to_lowercase().contains("origin"));
        }
    }
}

#[tokio::test]
async fn every_origin_may_read_public_documents_without_credentials() {
    let test = listing_one().await;
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let request = Request::get(path).header("origin", APP).body(Body::empty()).unwrap();
        let answer = test.anonymous().request(request).await;
        assert_eq!(answer.status, 200);
        assert_eq!(header(&answer, "access-control-allow-origin"), "*");
        assert_eq!(header(&answer, "access-control-allow-credentials"), "");
    }
}

#[tokio::test]
async fn no_other_origin_may_read_health_and_metrics() {
    let test = listing_one().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let request = Request::get(path).header("origin", APP).body(Body::empty()).unwrap();
        assert_eq!(header(&test.anonymous().request(request).await, "access-control-allow-origin"), "", "{path}");
    }
}
