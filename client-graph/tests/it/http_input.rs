//! Every route of the service and of the proxy gives the same answer to the same malformed input.

use axum::body::Body;
use axum::http::HeaderName;
use serde_json::json;

use crate::service::Service;
use crate::support::{ask, get, post};

const ROUTES: [&str; 6] =
    ["/graphql", "/auth/graphql", "/auth/token/", "/auth/token/refresh/", "/auth/token/verify/", "/auth/token/logout/"];

async fn status(service: &Service, path: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = post(path, &json!({ "query": "mutation { verify(token: \"x\") { active } }" }));
    request.headers_mut().remove("content-type");
    for (name, value) in headers {
        request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    ask(&service.router, request).await.status
}

#[tokio::test]
async fn json_in_another_charset_compressed_or_named_twice_is_unsupported() {
    let service = Service::start().await;
    for path in ROUTES {
        for headers in [
            &[("content-type", "application/json; charset=latin1")][..],
            &[("content-type", "application/json; charset=utf-8; charset=latin1")],
            &[("content-type", "application/json"), ("content-encoding", "gzip")],
            &[("content-type", "application/json"), ("content-encoding", "identity, br")],
            &[("content-type", "application/json"), ("content-type", "application/json")],
            &[],
        ] {
            assert_eq!(status(&service, path, headers).await, 415, "{path} {headers:?}");
        }
        for headers in [
            &[("content-type", "Application/JSON; Charset=\"UTF-8\"")][..],
            &[("content-type", "application/json"), ("content-encoding", "identity")],
        ] {
            assert_ne!(status(&service, path, headers).await, 415, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn only_spaces_separate_a_token_from_its_scheme() {
    let service = Service::start().await;
    let (user, token) = service.user("ada@example.com");
    for (separator, good) in [(" ", true), ("   ", true), ("\t", false), (" \t", false), ("", false), (",", false)] {
        let value = format!("Bearer{separator}{token}");
        let mut request = post("/graphql", &json!({ "query": "{ whoami { subject } }" }));
        request.headers_mut().insert("authorization", value.parse().unwrap());
        let answer = ask(&service.router, request).await.body;
        assert_eq!(answer["data"]["whoami"]["subject"] == user.id.to_string(), good, "{value} {answer}");

        let mut request = get(&format!("/auth/users/{}/", user.id)).body(Body::empty()).unwrap();
        request.headers_mut().insert("authorization", value.parse().unwrap());
        assert_eq!(ask(&service.router, request).await.status == 200, good, "{value}");
    }
}
