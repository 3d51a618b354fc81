//! The operations, against a working issuer and broken servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use client_graph::testing::{PASSWORD, TestIssuer};
use client_graph::{AuthGraph, Code, Credentials, SignIn, TokenPair, TokenType, VerificationFailure, Verified};
use secrecy::SecretString;
use serde_json::json;

use crate::following::Following;
use crate::support::serve;

fn credentials(email: &str) -> Credentials {
    Credentials { email: email.to_owned(), password: PASSWORD.into(), scope: None }
}

fn at(url: &str) -> AuthGraph {
    AuthGraph::builder(url).audience("graph").build().unwrap()
}

async fn sign_in(auth: &AuthGraph, email: &str) -> TokenPair {
    match auth.login(credentials(email)).await.unwrap() {
        SignIn::TokenPair(pair) => *pair,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn login_returns_a_pair_with_a_valid_access_token() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");

    let pair = sign_in(&auth, "ada@example.com").await;

    assert_eq!(pair.user, user);
    assert_eq!(auth.authenticate(&pair.access_token).await.unwrap().subject, user.id);
    let next = auth.refresh(pair.refresh_token.unwrap()).await.unwrap();
    assert_eq!(auth.authenticate(&next.access_token).await.unwrap().subject, user.id);
}

#[tokio::test]
async fn rejections_keep_their_codes() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let error = auth.login(credentials("nobody@example.com")).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidCredentials);
    let error = auth.refresh("nonsense".into()).await.unwrap_err();
    assert_eq!(error.code(), Code::TokenInvalid);
}

#[tokio::test]
async fn logout_ends_the_session_at_auth_graph() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    issuer.user("ada@example.com");
    let pair = sign_in(&auth, "ada@example.com").await;
    let refresh_token = pair.refresh_token.unwrap();

    assert_eq!(auth.logout(refresh_token.clone()).await.unwrap(), 1);

    let verified = auth.verify(&pair.access_token).await.unwrap();
    assert!(matches!(verified, Verified::Inactive(VerificationFailure::Revoked)));
    assert_eq!(auth.refresh(refresh_token).await.unwrap_err().code(), Code::TokenRevoked);
}

#[tokio::test]
async fn logout_everywhere_ends_every_session_of_the_user_and_services_are_notified() {
    let issuer = TestIssuer::start().await;
    let (_, _) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let auth = issuer.auth_graph().build().unwrap();
    let service = Following::start(issuer.auth_graph(), &issuer);
    let (one, other) = (sign_in(&auth, "ada@example.com").await, sign_in(&auth, "ada@example.com").await);
    let eves = sign_in(&auth, "eve@example.com").await;

    let refresh_token = one.refresh_token.unwrap();
    assert_eq!(auth.logout_everywhere(refresh_token.clone()).await.unwrap(), 2);
    assert_eq!(auth.logout_everywhere(refresh_token).await.unwrap(), 0, "they had ended before");

    assert_eq!(auth.refresh(other.refresh_token.unwrap()).await.unwrap_err().code(), Code::TokenRevoked);
    for ended in [&one.access_token, &other.access_token] {
        service.until(async || service.auth.authenticate(ended).await.is_err()).await;
    }
    assert!(service.auth.authenticate(&eves.access_token).await.is_ok());
}

#[tokio::test]
async fn verify_distinguishes_the_types_of_tokens() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let pair = sign_in(&auth, "ada@example.com").await;

    match auth.verify(&pair.access_token).await.unwrap() {
        Verified::Active(TokenType::Access, Some(claims)) => assert_eq!(claims.subject, user.id),
        other => panic!("{other:?}"),
    }
    let verified = auth.verify(&pair.refresh_token.unwrap()).await.unwrap();
    assert!(matches!(verified, Verified::Active(TokenType::Refresh, None)));
}

#[tokio::test]
async fn users_are_read_with_the_callers_own_token() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let plain: SecretString = issuer.token_for(&ada).sign().into();
    let staff: SecretString = issuer.token_for(&ada).scope("users:read").sign().into();

    assert_eq!(auth.me(&plain).await.unwrap(), Some(ada.clone()));
    assert_eq!(auth.profile(&plain).await.unwrap().unwrap().last_login, None);
    assert_eq!(auth.user(&plain, ada.id).await.unwrap(), Some(ada));
    assert_eq!(auth.user(&plain, eve.id).await.unwrap(), None);
    assert_eq!(auth.user(&staff, eve.id).await.unwrap(), Some(eve));
}

#[tokio::test]
async fn an_outage_of_the_issuer_is_unavailable() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    issuer.take_down();
    for error in [
        auth.login(credentials("ada@example.com")).await.unwrap_err(),
        auth.refresh("token".into()).await.unwrap_err(),
        auth.verify(&"token".into()).await.unwrap_err(),
        auth.logout("token".into()).await.unwrap_err(),
        auth.me(&"token".into()).await.unwrap_err(),
    ] {
        assert_eq!((error.code(), error.status()), (Code::Unavailable, 503));
        assert!(error.retry_after().is_some());
    }
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = at(&format!("http://127.0.0.1:{port}")).login(credentials("a@b.c")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_hanging_issuer_times_out() {
    let url = serve(Router::new().route("/graphql", post(std::future::pending::<()>))).await;
    let start = Instant::now();
    let error = at(&url).login(credentials("a@b.c")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    // The client waits for three seconds. The rest allows for a busy machine.
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn redirects_are_not_followed_so_that_no_other_host_gets_a_password() {
    let thief = TestIssuer::start().await;
    thief.user("ada@example.com");
    for status in [301, 302, 303, 307, 308] {
        let status = StatusCode::from_u16(status).unwrap();
        let target = format!("{}/graphql", thief.url());
        let redirect = move || async move { (status, [(header::LOCATION, target)]) };
        let url = serve(Router::new().route("/graphql", post(redirect))).await;
        let error = at(&url).login(credentials("ada@example.com")).await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
    }
    assert_eq!(thief.all_calls(), 0);
}

/// Returns the code for a response of a server, and the number of requests for a refresh and a login.
async fn outcome(status: u16, headers: Vec<(&'static str, &'static str)>, body: String) -> (Code, usize, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let answer = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let mut response = (StatusCode::from_u16(status).unwrap(), body.clone()).into_response();
        for (name, value) in &headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        async move { response }
    };
    let auth = at(&serve(Router::new().route("/graphql", post(answer))).await);
    let code = auth.refresh("token".into()).await.unwrap_err().code();
    let refreshes = calls.swap(0, Ordering::Relaxed);
    assert_eq!(auth.login(credentials("a@b.c")).await.unwrap_err().code(), code);
    (code, refreshes, calls.load(Ordering::Relaxed))
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_malformed_response_is_unavailable_and_never_a_rejection() {
    for body in ["", "<html>", "null", "[]", "{}", r#"{"data": null}"#, r#"{"data": {"refresh": 7, "login": 7}}"#] {
        assert_eq!(outcome(200, vec![JSON], body.to_owned()).await.0, Code::Unavailable, "{body}");
    }
    let html = ("content-type", "text/html");
    assert_eq!(outcome(401, vec![html], "denied".to_owned()).await.0, Code::Unavailable);
    assert_eq!(outcome(404, vec![html], "not here".to_owned()).await.0, Code::Unavailable);
    assert_eq!(outcome(500, vec![html], "oops".to_owned()).await.0, Code::Unavailable);
}

#[tokio::test]
async fn a_response_over_a_mebibyte_is_not_read() {
    let body = format!(r#"{{"data": null, "x": "{}"}}"#, "x".repeat(2 * 1024 * 1024));
    assert_eq!(outcome(200, vec![JSON], body).await.0, Code::Unavailable);
}

fn refusal(code: &str) -> String {
    json!({ "errors": [{ "message": "No.", "extensions": { "code": code, "retryAfter": 7 } }] }).to_string()
}

#[tokio::test]
async fn parameters_of_the_content_type_do_not_matter() {
    for content_type in [
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/graphql-response+json; charset=utf-8",
        "application/json ; x=y",
    ] {
        let code = outcome(200, vec![("content-type", content_type)], refusal("TOKEN_REUSED")).await.0;
        assert_eq!(code, Code::TokenReused, "{content_type}");
    }
}

#[tokio::test]
async fn unknown_codes_are_failures_and_not_rejections() {
    assert_eq!(outcome(200, vec![JSON], refusal("SOMETHING_NEW")).await.0, Code::Internal);
    assert_eq!(outcome(500, vec![JSON], refusal("SOMETHING_NEW")).await.0, Code::Unavailable);
    assert_eq!(outcome(200, vec![JSON], refusal("INTERNAL")).await.0, Code::Unavailable);
    assert_eq!(outcome(400, vec![JSON], refusal("GRAPHQL_VALIDATION_FAILED")).await.0, Code::Internal);
}

#[tokio::test]
async fn only_safe_requests_are_repeated_and_only_if_it_can_help() {
    for status in [502, 503, 504] {
        let plain = vec![("content-type", "text/plain")];
        assert_eq!(outcome(status, plain, String::new()).await, (Code::Unavailable, 2, 1), "{status}");
    }
    assert_eq!(outcome(500, vec![JSON], String::new()).await, (Code::Unavailable, 1, 1));
    let shed = vec![JSON, ("retry-after", "7")];
    assert_eq!(outcome(503, shed, refusal("UNAVAILABLE")).await, (Code::Unavailable, 1, 1));
    assert_eq!(outcome(200, vec![JSON], refusal("TOKEN_INVALID")).await, (Code::TokenInvalid, 1, 1));
}

#[tokio::test]
async fn the_time_to_wait_is_passed_on() {
    let limited = move || async { ([JSON], refusal("RATE_LIMITED")) };
    let auth = at(&serve(Router::new().route("/graphql", post(limited))).await);
    let error = auth.login(credentials("a@b.c")).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::RateLimited, Some(Duration::from_secs(7))));

    let limited = move || async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "9")], "slow down") };
    let auth = at(&serve(Router::new().route("/graphql", post(limited))).await);
    let error = auth.login(credentials("a@b.c")).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::RateLimited, Some(Duration::from_secs(9))));
}

#[tokio::test]
async fn a_second_factor_is_an_outcome_and_not_an_error() {
    let challenge = move || async {
        let login = json!({
            "__typename": "SignInChallengeRequired", "challenge": "c1", "methods": ["TOTP", "CARRIER_PIGEON"],
            "expiresAt": "2030-01-01T00:00:00Z",
        });
        ([JSON], json!({ "data": { "login": login } }).to_string())
    };
    let auth = at(&serve(Router::new().route("/graphql", post(challenge))).await);
    match auth.login(credentials("a@b.c")).await.unwrap() {
        SignIn::ChallengeRequired(challenge) => assert_eq!(challenge.methods, ["TOTP", "CARRIER_PIGEON"]),
        other => panic!("{other:?}"),
    }
    let router = client_graph::proxy::Proxy::new(auth).router();
    let body = json!({ "email": "a@b.c", "password": "x" });
    let answer = crate::support::ask(&router, crate::support::post("/auth/token/", &body)).await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!("FORBIDDEN")));
}

#[tokio::test]
async fn an_error_never_shows_a_secret_or_the_body_of_a_response() {
    let echo = move |body: String| async move { (StatusCode::BAD_REQUEST, [JSON], body) };
    let auth = at(&serve(Router::new().route("/graphql", post(echo))).await);
    let error = auth.login(credentials("ada@example.com")).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains(PASSWORD) && !text.contains("ada@example.com"), "{text}");
}

#[test]
fn all_problems_of_a_configuration_are_reported_at_once() {
    let error = AuthGraph::builder("http://auth.example.com?x=1")
        .jwks_url("https://user:pass@auth.example.com/keys#a")
        .leeway(Duration::from_secs(3600))
        .access_token_cookie("a cookie")
        .build()
        .unwrap_err();
    let problems = error.problems().join("\n");
    for part in ["must be https://", "no query", "credentials", "audience", "leeway", "access_token_cookie"] {
        assert!(problems.contains(part), "{part} is not in:\n{problems}");
    }
    assert!(!error.to_string().contains("pass@"), "{error}");
}

#[test]
fn plain_http_is_limited_to_this_machine_unless_it_is_allowed() {
    for url in ["http://127.0.0.1:8000", "http://localhost:8000/", "http://[::1]", "https://auth.example.com"] {
        assert!(AuthGraph::builder(url).audience("graph").build().is_ok(), "{url}");
    }
    for url in ["http://10.0.0.1", "http://localhost.example.com", "ftp://localhost", "localhost", ""] {
        assert!(AuthGraph::builder(url).audience("graph").build().is_err(), "{url}");
    }
    assert!(AuthGraph::builder("http://10.0.0.1").audience("graph").allow_insecure_http().build().is_ok());
}
