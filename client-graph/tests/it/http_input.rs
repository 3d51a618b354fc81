//! Every route of the service and of the proxy gives the same answer to the same malformed input.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request};
use client_graph::testing::PASSWORD;
use serde_json::json;

use crate::proxy::{from_browser, observed};
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

/// A token in a form that is not understood is an error, and not a caller without a token.
#[tokio::test]
async fn a_header_that_is_not_understood_is_an_error_that_names_the_right_form() {
    let service = Service::start().await;
    let (user, token) = service.user("ada@example.com");
    let bearer = format!("Bearer {token}");
    for values in [&[token.as_str()][..], &[&format!("JWT {token}")], &["Bearer"], &["Basic YTpi"], &[&bearer, &bearer]]
    {
        let add = |mut request: Request<Body>| {
            for value in values {
                request.headers_mut().append("authorization", value.parse().unwrap());
            }
            request
        };
        let graphql = ask(&service.router, add(post("/graphql", &json!({ "query": "{ whoami { subject } }" })))).await;
        assert_eq!(graphql.body["errors"][0]["extensions"]["code"], "TOKEN_INVALID", "{values:?}");
        let mut texts = vec![graphql.body.to_string()];
        for path in [format!("/auth/users/{}/", user.id), "/api/test/".to_owned()] {
            let answer = ask(&service.router, add(get(&path).body(Body::empty()).unwrap())).await;
            assert_eq!((answer.status, &answer.body["code"]), (401, &json!("TOKEN_INVALID")), "{path} {values:?}");
            texts.push(answer.body["detail"].to_string());
        }
        for text in texts {
            assert!(text.contains("with Bearer, a space and the access token") && !text.contains(&token), "{text}");
        }
    }
}

#[tokio::test]
async fn a_slash_too_many_is_answered_with_the_right_path() {
    let service = Service::start().await;
    for (wrong, right) in
        [("/graphql/", "/graphql"), ("/auth/graphql/", "/auth/graphql"), ("/auth/token", "/auth/token/")]
    {
        let answer = ask(&service.router, post(wrong, &json!({}))).await;
        let message = answer.body["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(answer.status == 404 && message.ends_with(&format!("Did you mean {right}?")), "{}", answer.body);
    }
}

/// ory/hydra#1421, graphile/crystal#921: pages of listed origins may call every path, with any header.
#[tokio::test]
async fn every_path_that_pages_call_answers_listed_origins() {
    let origins = "[\"https://app.example.com\", \"capacitor://localhost\"]";
    let service = Service::start_with(&[("server.allowed_origins", origins)]).await;
    let closed = Service::start().await;
    for path in ROUTES.into_iter().chain(["/api/test/", "/auth/users/1/"]) {
        for origin in ["https://app.example.com", "capacitor://localhost", "https://evil.example.com"] {
            let names = "traceparent, baggage, authorization";
            let request = || {
                Request::options(path)
                    .header("origin", origin)
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", names)
                    .body(Body::empty())
                    .unwrap()
            };
            let answer = ask(&service.router, request()).await;
            let allowed = if origin.contains("evil") { "" } else { origin };
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path}");
            assert_eq!(answer.header("access-control-allow-credentials").is_empty(), allowed.is_empty(), "{path}");
            assert_eq!(answer.header("access-control-allow-headers"), names, "{path}");
            let answer = ask(&closed.router, request()).await;
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, ""), "{path}");
        }
    }
}

/// hyperium/headers#85, lobu-ai/lobu#2578: auth-graph chooses among the cookies of its name, and gets no other bytes.
#[tokio::test]
async fn every_cookie_of_auth_graph_is_forwarded_whatever_stands_beside_it() {
    let (router, seen) = observed(&[]).await;
    for (cookies, forwarded) in [
        ("consent=\u{e4}; auth_graph_refresh=old", "auth_graph_refresh=old"),
        ("auth_graph_refresh=old; \u{1f36a}", "auth_graph_refresh=old"),
        ("auth_graph_refresh=stale; a=1; auth_graph_refresh=old", "auth_graph_refresh=stale; auth_graph_refresh=old"),
        ("__Host-auth_graph_refresh=a; auth_graph_refresh=b", "__Host-auth_graph_refresh=a; auth_graph_refresh=b"),
    ] {
        for path in ["/auth/graphql", "/auth/token/refresh/", "/auth/token/logout/"] {
            let query = "mutation { refresh { accessToken } }";
            let mut request = from_browser(path, &json!({ "query": query }));
            request.headers_mut().insert("cookie", HeaderValue::from_bytes(cookies.as_bytes()).unwrap());
            seen.lock().unwrap().clear();
            ask(&router, request).await;
            assert_eq!(seen.lock().unwrap()["cookie"], forwarded, "{path} {cookies}");
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

#[tokio::test]
async fn a_form_signs_in_and_blanks_around_values_are_removed() {
    let service = Service::start().await;
    service.user("ada@example.com");
    let form = format!("email=ada%40example.com+&password={}+", PASSWORD.replace(' ', "+"));
    let parts = format!(
        "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nada@example.com\r\n\
         --x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{PASSWORD}\r\n--x--\r\n"
    );
    let padded = json!({ "email": " ada@example.com", "password": format!("{PASSWORD}\n") }).to_string();
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", form),
        ("multipart/form-data; boundary=x", parts),
        ("application/json", padded),
    ] {
        let request = Request::post("/auth/token/").header("content-type", content_type).body(Body::from(body));
        let answer = ask(&service.router, request.unwrap()).await;
        assert_eq!(answer.status, 200, "{content_type}: {}", answer.body);
    }
}
