//! The same-origin proxy: forwarded and rejected requests, and its answers to clients of django-easyjwt.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use axum::response::IntoResponse;
use axum::routing::post as on_post;
use client_graph::mirror::Mirror;
use client_graph::proxy::Proxy;
use client_graph::testing::{PASSWORD, TestIssuer};
use client_graph::{AuthGraph, User};
use serde_json::{Value, json};

use crate::support::{Answer, TestDatabase, ask, get, post, serve};

const LOGIN: &str = include_str!("../../../schema/operations/login.graphql");
const LOGOUT: &str = include_str!("../../../schema/operations/logout.graphql");

fn routes(auth: &AuthGraph) -> Router {
    Proxy::new(auth.clone()).router()
}

async fn started() -> (TestIssuer, Router) {
    let issuer = TestIssuer::start().await;
    let router = routes(&issuer.auth_graph().build().unwrap());
    (issuer, router)
}

async fn sign_in(router: &Router, email: &str) -> Answer {
    ask(router, post("/auth/token/", &json!({ "email": email, "password": PASSWORD }))).await
}

fn graphql(query: &str, name: &str, variables: Value) -> Request<Body> {
    post("/auth/graphql", &json!({ "query": query, "operationName": name, "variables": variables }))
}

fn login_variables() -> Value {
    json!({ "input": { "email": "ada@example.com", "password": PASSWORD } })
}

#[tokio::test]
async fn a_sign_in_returns_a_token_pair_and_mirrors_the_user_without_a_further_call() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let auth = issuer.auth_graph().mirror(Mirror::new(database.connect().await)).build().unwrap();
    let router = routes(&auth);
    let ada = issuer.user("ada@example.com");

    let answer = sign_in(&router, "ada@example.com").await;

    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let names: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access", "refresh"]);
    assert_eq!(auth.mirror().unwrap().user(ada.id).await.unwrap().unwrap().email, "ada@example.com");
    assert_eq!(issuer.all_calls(), 1);
}

#[tokio::test]
async fn a_refresh_returns_the_next_pair_and_updates_the_mirror() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let auth = issuer.auth_graph().mirror(Mirror::new(database.connect().await)).build().unwrap();
    let router = routes(&auth);
    let ada = issuer.user("ada@example.com");
    let pair = sign_in(&router, "ada@example.com").await.body;
    issuer.change_user(&User { first_name: "Augusta".to_owned(), version: 2, ..ada.clone() });

    let answer = ask(&router, post("/auth/token/refresh/", &json!({ "refresh": pair["refresh"] }))).await;

    assert_eq!(answer.status, 200);
    assert!(answer.body["access"].is_string() && answer.body["refresh"].is_string());
    assert_eq!(auth.mirror().unwrap().user(ada.id).await.unwrap().unwrap().first_name, "Augusta");
}

#[tokio::test]
async fn access_tokens_are_verified_here_and_refresh_tokens_by_auth_graph() {
    let (issuer, router) = started().await;
    issuer.user("ada@example.com");
    let pair = sign_in(&router, "ada@example.com").await.body;
    for (token, calls) in [(&pair["access"], 0), (&pair["refresh"], 1)] {
        let answer = ask(&router, post("/auth/token/verify/", &json!({ "token": token }))).await;
        assert_eq!((answer.status, answer.body), (200, json!({})));
        assert_eq!(issuer.calls("Verify"), calls);
    }
    for token in ["nonsense", "a.b.c"] {
        let answer = ask(&router, post("/auth/token/verify/", &json!({ "token": token }))).await;
        assert_eq!((answer.status, &answer.body["code"]), (401, &json!("TOKEN_INVALID")));
        assert_eq!(answer.body["detail"], "Token is invalid or expired");
    }
}

#[tokio::test]
async fn logout_ends_the_session_at_auth_graph_and_here() {
    let (issuer, router) = started().await;
    issuer.user("ada@example.com");
    let pair = sign_in(&router, "ada@example.com").await.body;
    let access = pair["access"].as_str().unwrap();
    let mut request = post("/auth/token/logout/", &json!({ "refresh": pair["refresh"] }));
    request.headers_mut().insert("authorization", format!("Bearer {access}").parse().unwrap());

    let answer = ask(&router, request).await;

    assert_eq!((answer.status, answer.body), (200, json!({ "detail": "Logged out." })));
    let answer = ask(&router, post("/auth/token/verify/", &json!({ "token": access }))).await;
    assert_eq!((answer.status, &answer.body["code"]), (401, &json!("TOKEN_REVOKED")));
    let answer = ask(&router, post("/auth/token/refresh/", &json!({ "refresh": pair["refresh"] }))).await;
    assert_eq!((answer.status, &answer.body["code"]), (401, &json!("TOKEN_REVOKED")));
}

#[tokio::test]
async fn an_unconfirmed_logout_is_not_reported_as_successful() {
    let (issuer, router) = started().await;
    let answer = ask(&router, post("/auth/token/logout/", &json!({ "refresh": "nonsense" }))).await;
    assert_eq!((answer.status, &answer.body["code"]), (401, &json!("TOKEN_INVALID")));
    issuer.take_down();
    let answer = ask(&router, post("/auth/token/logout/", &json!({ "refresh": "nonsense" }))).await;
    assert_eq!(answer.status, 503);
}

/// CVE-2025-48370: text that was not an identifier led the client library to another path.
#[tokio::test]
async fn a_user_reads_only_their_own_account() {
    let (issuer, router) = started().await;
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let token = issuer.token_for(&ada).scope("notes:write").sign();
    let read = |id: String| {
        let path = format!("/auth/users/{id}/");
        let request = get(&path).header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
        let router = router.clone();
        async move { ask(&router, request).await }
    };

    let answer = read(ada.id.to_string()).await;
    assert_eq!(answer.status, 200);
    assert_eq!((&answer.body["id"], &answer.body["email"]), (&json!(ada.id), &json!("ada@example.com")));
    assert_eq!((&answer.body["first_name"], &answer.body["is_staff"]), (&json!("Ada"), &json!(false)));
    assert!(answer.body["date_joined"].is_string());
    assert_eq!(answer.body.as_object().unwrap().len(), 9);

    for id in [eve.id.to_string(), "1".to_owned(), "..%2f..%2fgraphql".to_owned(), ada.id.0.simple().to_string()] {
        assert_eq!(read(id.clone()).await.status, 404, "{id}");
    }
    let anonymous = get(&format!("/auth/users/{}/", ada.id)).body(Body::empty()).unwrap();
    let answer = ask(&router, anonymous).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(answer.body["detail"], "Authentication credentials were not provided.");
}

#[tokio::test]
async fn missing_fields_have_the_status_400_in_the_form_of_django_easyjwt() {
    let (issuer, router) = started().await;
    let answer = ask(&router, post("/auth/token/", &json!({}))).await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!("VALIDATION_FAILED")));
    assert_eq!(answer.body["email"], json!(["This field is required."]));
    assert_eq!(answer.body["password"], json!(["This field is required."]));
    let answer = ask(&router, post("/auth/token/", &json!({ "email": [7], "password": null }))).await;
    assert_eq!(answer.body["email"], json!(["Not a valid string."]));
    assert_eq!(answer.body["password"], json!(["This field may not be null."]));
    for (path, field) in [("refresh", "refresh"), ("verify", "token"), ("logout", "refresh")] {
        let answer = ask(&router, post(&format!("/auth/token/{path}/"), &json!({}))).await;
        assert_eq!((answer.status, &answer.body[field]), (400, &json!(["This field is required."])), "{path}");
    }
    assert_eq!(issuer.all_calls(), 0);
}

#[tokio::test]
async fn wrong_credentials_have_the_status_401_with_the_detail_of_django_easyjwt() {
    let (_issuer, router) = started().await;
    let answer = sign_in(&router, "nobody@example.com").await;
    assert_eq!((answer.status, &answer.body["code"]), (401, &json!("INVALID_CREDENTIALS")));
    assert_eq!(answer.body["detail"], "No active account found with the given credentials");
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn during_an_outage_of_auth_graph_sign_in_answers_503_and_verification_continues() {
    let (issuer, router) = started().await;
    issuer.user("ada@example.com");
    let pair = sign_in(&router, "ada@example.com").await.body;
    let verify = post("/auth/token/verify/", &json!({ "token": pair["access"] }));
    assert_eq!(ask(&router, verify).await.status, 200);
    issuer.take_down();

    for answer in [
        sign_in(&router, "ada@example.com").await,
        ask(&router, post("/auth/token/refresh/", &json!({ "refresh": pair["refresh"] }))).await,
    ] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
        assert_eq!(answer.body["code"], "UNAVAILABLE");
        assert_eq!(answer.body["detail"], "Authentication Service Connection Error.");
    }
    let answer = ask(&router, graphql(LOGIN, "Login", login_variables())).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAVAILABLE");

    let verify = post("/auth/token/verify/", &json!({ "token": pair["access"] }));
    assert_eq!(ask(&router, verify).await.status, 200);
}

#[tokio::test]
async fn only_json_and_at_the_rest_paths_forms_within_the_size_limit_are_read() {
    let (issuer, router) = started().await;
    for path in ["/auth/graphql", "/auth/token/", "/auth/token/refresh/", "/auth/token/verify/", "/auth/token/logout/"]
    {
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
            let mut request = post(path, &json!({}));
            request.headers_mut().insert("content-type", content_type.parse().unwrap());
            let takes_forms = content_type.contains("form") && path != "/auth/graphql";
            let status = if takes_forms { 400 } else { 415 };
            assert_eq!(ask(&router, request).await.status, status, "{path} {content_type}");
        }
        let large = post(path, &json!({ "token": "x".repeat(65 * 1024) }));
        assert_eq!(ask(&router, large).await.status, 413, "{path}");
        let broken = Request::post(path).header("content-type", "application/json; charset=utf-8");
        assert_eq!(ask(&router, broken.body(Body::from("{\"a")).unwrap()).await.status, 400, "{path}");
        let answer = ask(&router, get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{path}");
        let path = path.trim_end_matches('/').to_owned() + if path.ends_with('/') { "" } else { "/" };
        assert_eq!(ask(&router, post(&path, &json!({}))).await.status, 404, "{path}: the final slash matters");
    }
    assert_eq!(issuer.all_calls(), 0);
}

#[tokio::test]
async fn a_public_operation_is_forwarded() {
    let (issuer, router) = started().await;
    issuer.user("ada@example.com");
    let answer = ask(&router, graphql(LOGIN, "Login", login_variables())).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.header("content-type"), "application/graphql-response+json; charset=utf-8");
    let pair = &answer.body["data"]["login"];
    assert!(pair["accessToken"].is_string());

    let mut request = graphql(LOGOUT, "Logout", json!({ "refreshToken": pair["refreshToken"] }));
    let access = pair["accessToken"].as_str().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {access}").parse().unwrap());
    assert_eq!(ask(&router, request).await.body["data"]["logout"]["revokedSessions"], 1);
    let answer = ask(&router, post("/auth/token/verify/", &json!({ "token": access }))).await;
    assert_eq!(answer.body["code"], "TOKEN_REVOKED", "the session has ended here");
}

#[tokio::test]
async fn all_other_operations_are_forbidden_in_any_form() {
    let (issuer, router) = started().await;
    let documents = [
        "{ users { totalCount } }",
        "{ user(id: \"x\") { id } }",
        "{ me { id } users { totalCount } }",
        "{ __schema { types { name } } }",
        "{ __typename }",
        "query { _service { sdl } }",
        "subscription { login }",
        "mutation { verify: revokeUserSessions(userId: \"x\") { revokedSessions } }",
        "mutation { login(input: {}) { __typename } deleteUser(id: \"x\") { session { id } } }",
        "mutation { ... { deleteUser(id: \"x\") { session { id } } } }",
        "mutation { ... on Mutation { ... { deleteUser(id: \"x\") { session { id } } } } }",
        "mutation { ...A } fragment A on Mutation { ...B } fragment B on Mutation { deleteUser(id: \"x\") { id } }",
        "mutation { ...Unknown }",
        "mutation A { verify(token: \"x\") { active } } query B { roles { name } }",
        "mutation { login @skip(if: true) deleteUser @skip(if: true) }",
    ];
    for document in documents {
        for name in [None, Some("A")] {
            let request = post("/auth/graphql", &json!({ "query": document, "operationName": name }));
            let answer = ask(&router, request).await;
            assert_eq!(answer.status, 403, "{document}");
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "FORBIDDEN", "{document}");
        }
    }
    let cycle = "mutation { ...A } fragment A on Mutation { ...B } fragment B on Mutation { ...A users }";
    assert_eq!(ask(&router, post("/auth/graphql", &json!({ "query": cycle }))).await.status, 400);
    assert_eq!(issuer.all_calls(), 0);
}

#[tokio::test]
async fn an_invalid_document_is_rejected_by_the_proxy() {
    let (issuer, router) = started().await;
    let deep = format!("mutation {{ login(input: {}{}) }}", "[".repeat(20_000), "]".repeat(20_000));
    let nested = "{ a ".repeat(10_000);
    for (body, code) in [
        (json!({ "query": "mutation {" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": deep }), "LIMIT_EXCEEDED"),
        (json!({ "query": nested }), "LIMIT_EXCEEDED"),
        (json!({ "query": "mutation { login ".to_owned() + &"a ".repeat(20_000) }), "LIMIT_EXCEEDED"),
        (json!({ "query": "mutation { ...A } fragment A on Mutation { ...A }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": 7 }), "BAD_REQUEST"),
        (json!({}), "BAD_REQUEST"),
        (json!([{ "query": LOGIN }]), "BAD_REQUEST"),
        (json!({ "query": LOGIN, "variables": 7 }), "BAD_REQUEST"),
        (json!({ "extensions": { "persistedQuery": { "sha256Hash": "x" } } }), "BAD_REQUEST"),
    ] {
        let answer = ask(&router, post("/auth/graphql", &body)).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["extensions"]["code"]), (400, &json!(code)));
    }
    let doubled = r#"{"query": "mutation { verify }", "query": "{ me { id } }"}"#;
    let request = Request::post("/auth/graphql").header("content-type", "application/json");
    assert_eq!(ask(&router, request.body(Body::from(doubled)).unwrap()).await.status, 400);
    assert_eq!(issuer.all_calls(), 0);
}

/// Returns a proxy to a server that records the headers of requests and sends a fixed response.
pub async fn observed(trusted: &[&str]) -> (Router, Arc<Mutex<HeaderMap>>) {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let remembered = Arc::clone(&seen);
    let upstream = on_post(move |headers: HeaderMap| async move {
        *remembered.lock().unwrap() = headers;
        let body = json!({ "errors": [{ "message": "Slow down.", "extensions": { "code": "RATE_LIMITED", "retryAfter": 9 } }] });
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("set-cookie", "auth_graph_refresh=next; Path=/; HttpOnly"),
            ("x-internal", "secret"),
            ("retry-after", "9"),
        ];
        (axum::http::StatusCode::TOO_MANY_REQUESTS, headers, body.to_string()).into_response()
    });
    let url = serve(Router::new().route("/graphql", upstream)).await;
    let auth = AuthGraph::builder(url).audience("graph").build().unwrap();
    (Proxy::new(auth).trust(trusted.iter().copied()).unwrap().router(), seen)
}

pub fn from_browser(path: &str, body: &Value) -> Request<Body> {
    let mut request = post(path, body);
    for (name, value) in [
        ("user-agent", "Browser/1.0"),
        ("origin", "https://app.example.com"),
        ("sec-fetch-site", "same-origin"),
        ("x-csrf-token", "csrf"),
        ("cookie", "session=mine; auth_graph_refresh=old; other=2"),
        ("authorization", "Bearer secret"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-host", "evil.example"),
        ("x-real-ip", "6.6.6.6"),
        ("accept-language", "en"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let peer: SocketAddr = "203.0.113.7:5000".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

#[tokio::test]
async fn only_the_headers_that_auth_graph_needs_are_forwarded() {
    let (router, seen) = observed(&[]).await;
    let body = json!({ "query": LOGIN, "email": "a@b.c", "password": "x" });
    for path in ["/auth/graphql", "/auth/token/"] {
        ask(&router, from_browser(path, &body)).await;
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen["user-agent"], "Browser/1.0");
        assert_eq!(seen["origin"], "https://app.example.com");
        assert_eq!(seen["sec-fetch-site"], "same-origin");
        assert_eq!(seen["x-csrf-token"], "csrf");
        assert_eq!(seen["cookie"], "auth_graph_refresh=old");
        assert_eq!(seen["x-forwarded-for"], "203.0.113.7");
        for name in ["authorization", "x-forwarded-host", "x-real-ip", "accept-language"] {
            assert!(!seen.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    for (trusted, expected) in [
        (vec!["203.0.113.0/24"], "6.6.6.6"),
        (vec!["203.0.113.7"], "6.6.6.6"),
        (vec!["203.0.113.8", "10.0.0.0/8"], "203.0.113.7"),
    ] {
        let (router, seen) = observed(&trusted).await;
        ask(&router, from_browser("/auth/graphql", &json!({ "query": LOGIN }))).await;
        assert_eq!(seen.lock().unwrap()["x-forwarded-for"], expected);
    }
    let auth = AuthGraph::builder("https://auth.example.com").audience("graph").build().unwrap();
    assert!(Proxy::new(auth).trust(["the office"]).unwrap_err().contains("the office"));
}

#[tokio::test]
async fn only_the_status_code_time_to_wait_and_cookies_are_returned() {
    let (router, _) = observed(&[]).await;
    let answer = ask(&router, from_browser("/auth/graphql", &json!({ "query": LOGIN }))).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "9"));
    assert_eq!(answer.body["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert_eq!(answer.header("set-cookie"), "auth_graph_refresh=next; Path=/; HttpOnly");
    assert_eq!(answer.header("x-internal"), "");

    let answer = ask(&router, from_browser("/auth/token/", &json!({ "email": "a@b.c", "password": "x" }))).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "9"));
    assert_eq!((&answer.body["code"], &answer.body["retryAfter"]), (&json!("RATE_LIMITED"), &json!(9)));
}
