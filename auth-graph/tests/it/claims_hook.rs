//! The claims hook: its requests, and the consequences of its failures.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use engine::accounts::Rank;
use engine::administration::{self, Update};
use engine::app::App;
use engine::boot;
use engine::callers::Actor;
use engine::callers::Device;
use engine::sessions::{self, TokenPair};
use model::config::HookFailure;
use model::error::{Code, Result};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{HOOK_SECRET, Hook, PASSWORD, TestApp, claims_of, disable, enable, hook_answer};

/// Creates an app whose time limit for the hook is longer than any machine needs.
async fn with_hook(on_failure: HookFailure) -> (TestApp, Hook) {
    let hook = Hook::start().await;
    let test = TestApp::with(|config| {
        hook.configure(config, on_failure);
        config.claims.hook.timeout = Duration::from_secs(60);
    })
    .await;
    (test, hook)
}

/// Refreshes at another process, whose time limit for the hook is short.
async fn refreshed_in_haste(test: &TestApp, token: &str) -> Result<TokenPair> {
    let mut config = test.app.config.clone();
    config.claims.hook.timeout = Duration::from_millis(100);
    let app = boot(config, test.app.clock.clone()).await.unwrap();
    sessions::refresh(&app, &token.into(), &Device::default()).await
}

#[tokio::test]
async fn the_hook_receives_a_description_of_the_token_and_its_claims_are_added() {
    let (test, hook) = with_hook(HookFailure::Refuse).await;
    hook.answers(json!({ "plan": "gold", "nothing": null }));
    let signed_in = test.signed_in("ada@test.com", Rank::Staff).await;
    let claims = claims_of(&signed_in.access);
    assert_eq!(claims["plan"], "gold");
    assert!(claims.get("nothing").is_none());
    let refreshed = test.anonymous().refresh(&signed_in.refresh).await;
    assert_eq!(claims_of(refreshed.data("refresh")["accessToken"].as_str().unwrap())["plan"], "gold");
    let client = test.service_client("orders", "a b").await;
    assert_eq!(claims_of(&client.token_with(&[("scope", "b")]).await)["plan"], "gold");

    let asked: Vec<Value> = hook.asked().iter().map(|asked| serde_json::from_str(&asked.body).unwrap()).collect();
    let user = |reason: &str| {
        json!({ "reason": reason, "subject": signed_in.user.id, "kind": "USER", "audience": "graph",
            "clientId": "first-party", "sessionId": claims["sid"], "scope": ["users:read"] })
    };
    assert_eq!(asked[0]["type"], "access_token.claims");
    assert_eq!((&asked[0]["data"], &asked[1]["data"]), (&user("LOGIN"), &user("REFRESH")));
    let service = json!({ "reason": "CLIENT_CREDENTIALS", "subject": client.id, "kind": "SERVICE", "audience": "graph",
        "clientId": client.id, "sessionId": client.id, "scope": ["b"] });
    assert_eq!(asked[2]["data"], service);
}

#[tokio::test]
async fn each_request_is_signed_with_every_secret() {
    let hook = Hook::start().await;
    let next = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let test = TestApp::with(|config| {
        hook.configure(config, HookFailure::Refuse);
        config.claims.hook.secrets.push(next.into());
    })
    .await;
    test.signed_in("ada@test.com", Rank::User).await;
    let asked = &hook.asked()[0];
    assert!(asked.is_signed_with(HOOK_SECRET) && asked.is_signed_with(next));
    assert!(!asked.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    let age = test.app.clock.now().timestamp() - asked.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!((0..60).contains(&age) && asked.header("webhook-id").starts_with("msg_"));
    assert!(!asked.body.contains("ada@test.com"), "it receives no more than it needs");
}

/// Runs a check with each way in which the hook can fail.
async fn in_each_failure(hook: &Hook, mut check: impl AsyncFnMut(&str)) {
    let elsewhere = hook.url.clone();
    hook.behaves(|| async { StatusCode::INTERNAL_SERVER_ERROR.into_response() });
    check("500").await;
    hook.behaves(|| async { (StatusCode::NO_CONTENT).into_response() });
    check("204").await;
    hook.behaves(move || {
        let place = [(header::LOCATION, format!("{elsewhere}?again"))];
        std::future::ready((StatusCode::TEMPORARY_REDIRECT, place).into_response())
    });
    check("redirect").await;
    for text in ["", "{}", "[]", "null", r#"{"claims":[]}"#, r#"{"claims":{},"other":1}"#, r#"{"claims":{"a":1}"#] {
        let text = text.to_owned();
        let said = text.clone();
        hook.behaves(move || std::future::ready(hook_answer(&text)));
        check(&said).await;
    }
    for name in [
        "sub",
        "exp",
        "scope",
        "sid",
        "client_id",
        "amr",
        "act",
        "user_id",
        "token_type",
        "scp",
        "roles",
        "groups",
        "entitlements",
        "",
        "two words",
    ] {
        hook.answers(json!({ name: "x", "fine": 1 }));
        check(name).await;
    }
    hook.answers(json!({ "long": "x".repeat(1024) }));
    check("long claims").await;
    hook.answers(json!({ "endless": "x".repeat(64 * 1024) }));
    check("endless").await;
}

#[tokio::test]
async fn when_the_hook_fails_a_sign_in_is_rejected_and_a_refresh_token_stays_valid() {
    let (test, hook) = with_hook(HookFailure::Refuse).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    in_each_failure(&hook, async |failure| {
        let before = hook.asked().len();
        let answer = test.anonymous().refresh(&signed_in.refresh).await;
        assert_eq!((answer.code(), answer.status.as_u16()), ("UNAVAILABLE", 200), "{failure}");
        assert!(answer.error()["extensions"]["retryAfter"].is_u64());
        assert_eq!(hook.asked().len(), before + 1, "{failure}: one request is sent, and no redirect is followed");
        // This is more often than log-ins of an account may fail, but the password is right.
        assert_eq!(test.anonymous().login("ada@test.com", PASSWORD).await.code(), "UNAVAILABLE", "{failure}");
    })
    .await;
    hook.behaves(std::future::pending);
    let refused = refreshed_in_haste(&test, &signed_in.refresh).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "it does not answer");
    assert!(errors::explain(&refused).contains("the claims hook failed: "), "{refused:?}");
    hook.answers(json!({ "plan": "gold" }));
    test.anonymous().login("ada@test.com", PASSWORD).await.data("login");
    let next = test.anonymous().refresh(&signed_in.refresh).await;
    assert_eq!(claims_of(next.data("refresh")["accessToken"].as_str().unwrap())["plan"], "gold");
    let third = test.anonymous().refresh(next.data("refresh")["refreshToken"].as_str().unwrap()).await;
    third.data("refresh");
}

#[tokio::test]
async fn with_the_setting_omit_a_failure_leaves_out_the_claims_of_the_hook() {
    let (test, hook) = with_hook(HookFailure::Omit).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let plain = claims_of(&signed_in.access).as_object().unwrap().len();
    in_each_failure(&hook, async |failure| {
        let answer = test.anonymous().refresh(&signed_in.refresh).await;
        let claims = claims_of(answer.data("refresh")["accessToken"].as_str().unwrap());
        assert_eq!(claims.as_object().unwrap().len(), plain, "{failure}: {claims}");
        assert_eq!(claims["sub"], json!(signed_in.user.id));
    })
    .await;
    hook.behaves(std::future::pending);
    let pair = refreshed_in_haste(&test, &signed_in.refresh).await.unwrap();
    let claims = claims_of(pair.access_token.expose_secret());
    assert_eq!(claims.as_object().unwrap().len(), plain, "it does not answer: {claims}");
}

#[tokio::test]
async fn the_hook_is_not_asked_if_no_token_is_issued() {
    let (test, hook) = with_hook(HookFailure::Refuse).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    test.anonymous().login("ada@test.com", "wrong password").await.code();
    test.anonymous().refresh("agr_x").await.code();
    test.anonymous().logout(&signed_in.refresh).await.data("logout");
    assert_eq!(test.anonymous().refresh(&signed_in.refresh).await.code(), "TOKEN_REVOKED");
    let client = test.service_client("orders", "a").await;
    client.caller.form("/oauth/token", &[("grant_type", "client_credentials"), ("scope", "b")]).await;
    assert_eq!(hook.asked().len(), 1);
}

/// The hook ends the session while it is asked, which takes the write lock of the database. No transaction is open
/// meanwhile, and a revoked session gets no token, even if the hook answers late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keycloak_51312_no_token_is_issued_for_a_session_that_ended_while_the_hook_was_asked() {
    let (test, hook) = with_hook(HookFailure::Refuse).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let app: Arc<OnceLock<App>> = Arc::default();
    app.set(test.app.clone()).unwrap();
    let user = signed_in.user.id;
    hook.behaves(move || {
        let app = app.get().unwrap().clone();
        async move {
            disable(&app, user).await;
            enable(&app, user).await;
            hook_answer(r#"{"claims":{"plan":"gold"}}"#)
        }
    });
    assert_eq!(test.anonymous().refresh(&signed_in.refresh).await.code(), "TOKEN_REVOKED");
    assert_eq!(test.anonymous().refresh(&signed_in.refresh).await.code(), "TOKEN_REVOKED");
}

/// The answer of the hook is not used if the user has changed since the question.
#[tokio::test]
async fn a_user_who_changes_while_the_hook_is_asked_gets_current_claims() {
    let (test, hook) = with_hook(HookFailure::Refuse).await;
    let staff = test.signed_in("staff@test.com", Rank::Staff).await;
    let (app, id) = (test.app.clone(), staff.user.id);
    let first = Arc::new(AtomicBool::new(true));
    hook.behaves(move || {
        let (app, first) = (app.clone(), first.swap(false, Ordering::Relaxed));
        async move {
            if first {
                let update = Update { is_staff: Some(false), ..Update::default() };
                administration::update(&app, &Actor::operator(), id, update).await.unwrap();
            }
            hook_answer(r#"{"claims":{}}"#)
        }
    });
    let answer = test.anonymous().refresh(&staff.refresh).await;
    assert_eq!(answer.data("refresh")["scope"], json!([]));
    assert_eq!(hook.asked().len(), 3, "at the sign-in, in vain, and again");
}

#[tokio::test]
async fn without_a_hook_no_request_is_sent() {
    let test = TestApp::new().await;
    assert!(test.app.claims.hook.is_none());
}
