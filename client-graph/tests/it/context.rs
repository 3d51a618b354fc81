//! The context builder: finding the token, and the resulting caller.

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use client_graph::testing::TestIssuer;
use client_graph::{AuthGraph, Caller, Code, Context, SessionId};
use futures_util::FutureExt;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;

use crate::support::{bearer, serve};

fn headers(name: &'static str, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, value.parse().unwrap());
    headers
}

fn code(context: &Context) -> Option<Code> {
    context.principal().err().map(|error| error.code())
}

#[tokio::test]
async fn a_request_without_a_token_is_anonymous() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let context = auth.context(&HeaderMap::new()).await;
    assert!(matches!(context.caller(), Caller::Anonymous));
    assert_eq!(code(&context), Some(Code::Unauthenticated));
}

#[tokio::test]
async fn the_scheme_is_compared_without_case() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let context = auth.context(&headers("authorization", &format!("{scheme}   {token} "))).await;
        assert_eq!(code(&context), None, "{scheme}");
    }
}

#[tokio::test]
async fn another_scheme_is_an_error_that_names_the_right_one() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    for value in ["Basic dXNlcjpwYXNz", "Digest x", "Bearerx y", &format!("JWT {token}"), &token] {
        let context = auth.context(&headers("authorization", value)).await;
        let error = context.principal().unwrap_err();
        assert_eq!(error.code(), Code::TokenInvalid, "{value}");
        assert!(error.to_string().contains("with Bearer, a space and the access token"), "{error}");
    }
    let empty = auth.context(&headers("authorization", "")).await;
    assert!(matches!(empty.caller(), Caller::Anonymous));
}

#[tokio::test]
async fn a_malformed_header_is_rejected_and_does_not_fail_the_request() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let values = ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer \"x\"", "bearer ===", "Bearer {}"];
    for value in values.map(str::to_owned).into_iter().chain([format!("Bearer {token}, Bearer {token}")]) {
        let context = auth.context(&headers("authorization", &value)).await;
        assert_eq!(code(&context), Some(Code::TokenInvalid), "{value}");
    }
    let mut binary = HeaderMap::new();
    binary.insert("authorization", reqwest::header::HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap());
    assert_eq!(code(&auth.context(&binary).await), Some(Code::TokenInvalid));
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let mut headers = bearer(&issuer.token_for(&issuer.user("ada@example.com")).sign());
    headers.append("authorization", "Bearer other".parse().unwrap());
    assert_eq!(code(&auth.context(&headers).await), Some(Code::TokenInvalid));
}

#[tokio::test]
async fn a_cookie_is_read_only_if_its_name_is_configured() {
    let issuer = TestIssuer::start().await;
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let cookie = headers("cookie", &format!("theme=dark; access={token}; other=1"));

    let without = issuer.auth_graph().build().unwrap();
    assert_eq!(code(&without.context(&cookie).await), Some(Code::Unauthenticated));

    let with = issuer.auth_graph().access_token_cookie("access").build().unwrap();
    assert_eq!(code(&with.context(&cookie).await), None);
    let empty = headers("cookie", "access=");
    assert_eq!(code(&with.context(&empty).await), Some(Code::Unauthenticated));
}

/// hyperium/headers#85, lobu-ai/lobu#2578: bytes in another cookie, or an outdated cookie of the same name, took the
/// good one away.
#[tokio::test]
async fn other_cookies_do_not_hide_the_one_with_a_good_token() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().access_token_cookie("access").build().unwrap();
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let token = issuer.token_for(&ada).sign();
    let outdated = issuer.token_for(&ada).claim("exp", json!(1)).sign();
    let context = async |cookies: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", HeaderValue::from_bytes(cookies.as_bytes()).unwrap());
        auth.context(&headers).await
    };
    for other in ["consent=\u{e4}", "\u{1f36a}", "access=", "access=evil", "access=x y", &format!("access={outdated}")]
    {
        for cookies in [format!("{other}; access={token}"), format!("access={token}; {other}")] {
            assert_eq!(context(&cookies).await.principal().unwrap().subject, ada.id, "{cookies}");
        }
    }
    // Another host of the domain must not choose the user.
    let two = format!("access={token}; access={}", issuer.token_for(&eve).sign());
    assert_eq!(code(&context(&two).await), Some(Code::TokenInvalid));
    let neither = context(&format!("access=evil; access={outdated}")).await;
    assert_eq!(code(&neither), Some(Code::TokenExpired), "it can be refreshed");
}

#[tokio::test]
async fn the_header_takes_precedence_over_the_cookie() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().access_token_cookie("access").build().unwrap();
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let mut headers = bearer(&issuer.token_for(&ada).sign());
    headers.insert("cookie", format!("access={}", issuer.token_for(&eve).sign()).parse().unwrap());
    assert_eq!(auth.context(&headers).await.principal().unwrap().subject, ada.id);
}

#[tokio::test]
async fn a_token_can_be_passed_without_a_header() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign().into();
    assert_eq!(code(&auth.context_from_token(Some(&token)).await), None);
    assert_eq!(code(&auth.context_from_token(None).await), Some(Code::Unauthenticated));
}

#[tokio::test]
async fn a_warm_request_is_ready_at_once_and_makes_no_call() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let headers = bearer(&issuer.token_for(&issuer.user("ada@example.com")).sign());
    let first = auth.context(&headers).await;
    let calls = issuer.all_calls();

    let second = auth.context(&headers).now_or_never().expect("it is ready at once");

    assert!(Arc::ptr_eq(first.principal().unwrap(), second.principal().unwrap()));
    assert_eq!(issuer.all_calls(), calls);
}

#[tokio::test]
async fn a_session_that_ends_later_ends_the_context_too() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let context = auth.context(&bearer(&issuer.token_for(&issuer.user("ada@example.com")).sign())).await;
    let session = context.principal().unwrap().session_id.unwrap();
    auth.revoke_locally(session, issuer.clock().now());
    assert_eq!(code(&context), Some(Code::TokenRevoked));
}

#[tokio::test]
async fn a_fresh_principal_is_confirmed_and_fails_closed() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let context = auth.context(&bearer(&token)).await;
    assert!(context.fresh_principal().await.is_ok());

    issuer.take_down();
    assert_eq!(context.fresh_principal().await.unwrap_err().code(), Code::Unavailable);

    issuer.bring_up();
    issuer.revoke(context.principal().unwrap().session_id.unwrap());
    assert_eq!(context.fresh_principal().await.unwrap_err().code(), Code::TokenRevoked);
    assert_eq!(code(&context), None, "without a confirmation the token is accepted until the revocation arrives");
}

#[tokio::test]
async fn a_response_about_another_user_does_not_confirm_the_caller() {
    let issuer = TestIssuer::start().await;
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let claims = json!({
        "iss": issuer.url(), "sub": eve.id, "aud": ["graph"], "exp": "2030-01-01T00:00:00Z",
        "iat": "2020-01-01T00:00:00Z", "nbf": "2020-01-01T00:00:00Z", "jti": "1", "sid": eve.id, "clientId": "tests",
        "scope": [], "authTime": "2020-01-01T00:00:00Z", "amr": [],
    });
    let body = json!({ "data": { "verify": { "active": true, "tokenType": "ACCESS", "claims": claims } } });
    let answer = move || async move { ([("content-type", "application/json")], body.to_string()) };
    let url = serve(Router::new().route("/graphql", post(answer))).await;
    let jwks = format!("{}/.well-known/jwks.json", issuer.url());
    let auth = AuthGraph::builder(url).audience("graph").issuer(issuer.url()).jwks_url(jwks).build().unwrap();
    let mut token = issuer.token_for(&ada);
    for session in [ada.id, eve.id] {
        token = token.session(SessionId(session.0));
        let context = auth.context(&bearer(&token.clone().sign())).await;
        assert_eq!(code(&context), None);
        assert_eq!(context.fresh_principal().await.unwrap_err().code(), Code::TokenInvalid);
    }
}

#[tokio::test]
async fn debug_output_contains_no_secret() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let context = auth.context(&bearer(&token)).await;
    let text = format!("{context:?} {auth:?} {:?}", context.principal().unwrap());
    let signature = token.rsplit('.').next().unwrap();
    assert!(!text.contains(signature) && !text.contains(&token));
}
