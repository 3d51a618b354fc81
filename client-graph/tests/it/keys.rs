//! The key set: fetched on demand, shared, protected against floods, and kept during an outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use client_graph::testing::{KeyType, TestIssuer};
use client_graph::{Clock, Code};
use futures_util::future::join_all;
use serde_json::json;

use crate::following::Following;
use crate::support::{code_of, serve};

#[tokio::test]
async fn fifty_parallel_first_requests_share_one_fetch() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let tokens: Vec<String> = (0..50).map(|_| issuer.token_for(&user).sign()).collect();

    let codes = join_all(tokens.into_iter().map(|token| code_of(&auth, token))).await;

    assert!(codes.iter().all(Option::is_none));
    assert_eq!(issuer.calls("jwks"), 1);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_three_fetches_and_then_one_per_interval() {
    let issuer = TestIssuer::start().await;
    let clock = Clock::standing_at(issuer.clock().now());
    let auth = issuer.auth_graph().clock(clock.clone()).build().unwrap();
    let user = issuer.user("ada@example.com");
    let good = issuer.token_for(&user).sign();
    assert_eq!(code_of(&auth, &good).await, None);
    let unknown = |number: usize| issuer.token_for(&user).header("kid", json!(format!("made-up-{number}"))).sign();

    for number in 0..50 {
        clock.advance(Duration::from_millis(150));
        let fetched = issuer.calls("jwks") < 3;
        let expected = if fetched { Code::TokenInvalid } else { Code::Unavailable };
        assert_eq!(code_of(&auth, unknown(number)).await, Some(expected), "{number}");
    }
    assert_eq!(issuer.calls("jwks"), 3);

    clock.advance(Duration::from_secs(11));
    let codes = join_all((0..50).map(|number| code_of(&auth, unknown(number)))).await;
    assert!(codes.iter().all(|code| *code == Some(Code::TokenInvalid)));
    assert_eq!(issuer.calls("jwks"), 4);
}

#[tokio::test]
async fn a_token_of_a_new_key_is_never_reported_as_a_fault_of_its_bearer() {
    let issuer = TestIssuer::start().await;
    let clock = Clock::standing_at(issuer.clock().now());
    let auth = issuer.auth_graph().clock(clock.clone()).build().unwrap();
    let user = issuer.user("ada@example.com");
    assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None);
    let made_up = issuer.token_for(&user).header("kid", json!("made-up")).sign();
    assert_eq!(code_of(&auth, made_up).await, Some(Code::TokenInvalid));

    issuer.rotate_keys(KeyType::Es256);
    let between = issuer.token_for(&user).sign();
    assert_eq!(code_of(&auth, &between).await, None, "one made-up key does not delay a rotation");

    issuer.rotate_keys(KeyType::Es256);
    clock.advance(Duration::from_secs(4));
    let token = issuer.token_for(&user).sign();
    let error = auth.authenticate(&token.clone().into()).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::Unavailable, Some(Duration::from_secs(6))));
    clock.advance(Duration::from_secs(6));
    assert_eq!(code_of(&auth, token).await, None);
    assert_eq!(code_of(&auth, between).await, Some(Code::TokenInvalid), "its key was withdrawn");
}

#[tokio::test]
async fn a_service_that_follows_the_feed_refuses_the_tokens_of_a_withdrawn_key_at_once() {
    let issuer = TestIssuer::start().await;
    let clock = Clock::standing_at(issuer.clock().now());
    let service = Following::start(issuer.auth_graph().clock(clock), &issuer);
    let user = issuer.user("ada@example.com");
    let old = issuer.token_for(&user).sign();
    service.until(async || service.auth.feed_age().is_some()).await;
    assert_eq!(code_of(&service.auth, &old).await, None);

    issuer.rotate_keys(KeyType::Es256);

    service.until(async || code_of(&service.auth, &old).await == Some(Code::TokenInvalid)).await;
    assert_eq!(code_of(&service.auth, issuer.token_for(&user).sign()).await, None);
}

#[tokio::test]
async fn a_service_that_follows_the_feed_knows_a_new_key_while_unknown_keys_are_not_fetched() {
    let issuer = TestIssuer::start().await;
    let clock = Clock::standing_at(issuer.clock().now());
    let service = Following::start(issuer.auth_graph().clock(clock), &issuer);
    let user = issuer.user("ada@example.com");
    service.until(async || service.auth.feed_age().is_some()).await;
    let made_up = issuer.token_for(&user).header("kid", json!("made-up")).sign();
    while code_of(&service.auth, &made_up).await != Some(Code::Unavailable) {}

    issuer.add_key(KeyType::Es256);

    let new = issuer.token_for(&user).sign();
    service.until(async || code_of(&service.auth, &new).await.is_none()).await;
}

#[tokio::test]
async fn changed_keys_are_fetched_until_that_succeeds() {
    let issuer = TestIssuer::start().await;
    let (broken, tries) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (fails, tried, source) = (Arc::clone(&broken), Arc::clone(&tries), issuer.url().to_owned());
    let handler = move || {
        let (fails, url) = (fails.load(Ordering::SeqCst), format!("{source}/.well-known/jwks.json"));
        tried.fetch_add(1, Ordering::SeqCst);
        async move {
            let keys = reqwest::get(url).await.unwrap().text().await.unwrap();
            if fails { "<html>".to_owned() } else { keys }
        }
    };
    let url = serve(Router::new().route("/keys", get(handler))).await;
    let service = Following::start(issuer.auth_graph().jwks_url(format!("{url}/keys")), &issuer);
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    service.until(async || service.auth.feed_age().is_some()).await;
    assert_eq!(code_of(&service.auth, &token).await, None);

    broken.store(true, Ordering::SeqCst);
    let before = tries.load(Ordering::SeqCst);
    issuer.rotate_keys(KeyType::Es256);
    service.until(async || tries.load(Ordering::SeqCst) > before).await;
    assert_eq!(code_of(&service.auth, &token).await, None, "as during every outage of the key set");
    broken.store(false, Ordering::SeqCst);
    service.until(async || code_of(&service.auth, &token).await == Some(Code::TokenInvalid)).await;
}

#[tokio::test]
async fn keys_that_changed_while_the_feed_was_away_are_fetched_when_it_is_back() {
    let issuer = TestIssuer::start().await;
    let service = Following::start(issuer.auth_graph(), &issuer);
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    service.until(async || service.auth.feed_age().is_some()).await;
    assert_eq!(code_of(&service.auth, &token).await, None);

    issuer.take_down();
    issuer.rotate_keys(KeyType::Es256);
    // The event is not kept any more.
    issuer.expire_cursors();
    issuer.bring_up();

    service.until(async || code_of(&service.auth, &token).await == Some(Code::TokenInvalid)).await;
}

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let old = issuer.token_for(&user).sign();
    assert_eq!(code_of(&auth, &old).await, None);

    issuer.add_key(KeyType::Es256);
    issuer.clock().advance(Duration::from_secs(11));

    assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None);
    assert_eq!(code_of(&auth, &old).await, None, "the old key is still published");
}

#[tokio::test]
async fn a_withdrawn_key_ends_its_tokens_even_cached_ones() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let old = issuer.token_for(&user).sign();
    assert_eq!(code_of(&auth, &old).await, None);

    issuer.rotate_keys(KeyType::Es256);
    issuer.clock().advance(Duration::from_secs(11));
    assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None);

    assert_eq!(code_of(&auth, &old).await, Some(Code::TokenInvalid));
}

#[tokio::test]
async fn old_keys_are_fetched_again_while_requests_continue() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None);
    issuer.clock().advance(Duration::from_secs(301));

    assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None);

    while issuer.calls("jwks") < 2 {
        tokio::task::yield_now().await;
    }
    while auth.key_age().unwrap() > Duration::from_secs(300) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn during_an_outage_the_last_keys_stay_in_use() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None);

    issuer.take_down();
    for _ in 0..10 {
        issuer.clock().advance(Duration::from_secs(3600));
        assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None);
    }
    assert!(auth.key_age().unwrap() >= Duration::from_secs(36_000), "their age can be monitored");
}

#[tokio::test]
async fn an_unknown_key_during_an_outage_is_not_reported_as_a_fault_of_the_caller() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    assert_eq!(code_of(&auth, issuer.token_for(&user).sign()).await, None);

    issuer.take_down();
    issuer.add_key(KeyType::Es256);
    issuer.clock().advance(Duration::from_secs(11));
    let token = issuer.token_for(&user).sign();
    let error = auth.authenticate(&token.clone().into()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.retry_after().is_some());

    issuer.bring_up();
    issuer.clock().advance(Duration::from_secs(2));
    assert_eq!(code_of(&auth, token).await, None);
}

#[tokio::test]
async fn a_service_starts_while_the_issuer_is_down() {
    let issuer = TestIssuer::start().await;
    issuer.take_down();
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    assert_eq!(code_of(&auth, &token).await, Some(Code::Unavailable));
    assert_eq!(auth.key_age(), None);

    issuer.bring_up();
    issuer.clock().advance(Duration::from_secs(2));
    assert_eq!(code_of(&auth, &token).await, None);
}

/// Returns the result of a token when the key set is served with this body.
async fn code_with_key_set(issuer: &TestIssuer, body: impl Into<String>) -> (Option<Code>, usize) {
    let body: String = body.into();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let handler = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let body = body.clone();
        async move { body }
    };
    let url = serve(Router::new().route("/keys", get(handler))).await;
    let auth = issuer.auth_graph().jwks_url(format!("{url}/keys")).build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let code = code_of(&auth, token).await;
    (code, count.load(Ordering::Relaxed))
}

async fn published(issuer: &TestIssuer) -> serde_json::Value {
    let url = format!("{}/.well-known/jwks.json", issuer.url());
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_keys_may_have_another_address_than_the_issuer() {
    let issuer = TestIssuer::start().await;
    let document = published(&issuer).await.to_string();
    let url = serve(Router::new().route("/keys", get(move || std::future::ready(document.clone())))).await;
    let name = "https://login.example.com";
    let auth = issuer.auth_graph().issuer(name).jwks_url(format!("{url}/keys")).build().unwrap();
    let user = issuer.user("ada@example.com");
    let says = |issued_by: &str| issuer.token_for(&user).claim("iss", json!(issued_by)).sign();
    assert_eq!(code_of(&auth, says(name)).await, None);
    for another in [issuer.url(), &url, &format!("{url}/keys")] {
        assert_eq!(code_of(&auth, says(another)).await, Some(Code::TokenInvalid), "{another}");
    }
    assert_eq!(issuer.calls("jwks"), 1, "only this test fetched keys from the issuer itself");
}

#[tokio::test]
async fn a_key_set_that_cannot_be_read_is_an_outage() {
    let issuer = TestIssuer::start().await;
    for body in ["", "<html>", "[]", "{}", r#"{"keys": 7}"#] {
        assert_eq!(code_with_key_set(&issuer, body).await, (Some(Code::Unavailable), 1), "{body}");
    }
    let large = format!(r#"{{"keys": [], "x": "{}"}}"#, "x".repeat(300_000));
    assert_eq!(code_with_key_set(&issuer, large).await.0, Some(Code::Unavailable));
}

#[tokio::test]
async fn unusable_keys_are_left_out_and_the_others_work() {
    let issuer = TestIssuer::start().await;
    let mut document = published(&issuer).await;
    let keys = document["keys"].as_array_mut().unwrap();
    for odd in [json!({}), json!(7), json!({ "kty": "new", "kid": "a" }), json!({ "kty": "EC", "crv": "P-521" })] {
        keys.insert(0, odd);
    }
    assert_eq!(code_with_key_set(&issuer, document.to_string()).await.0, None);
}

#[tokio::test]
async fn a_key_for_another_use_or_algorithm_or_with_its_private_part_is_not_used() {
    let issuer = TestIssuer::start().await;
    let operations = [json!([]), json!(["encrypt"]), json!(["sign"]), json!("verify")].map(|value| ("key_ops", value));
    let private = ["d", "p", "k", "priv"].map(|member| (member, json!("AAAA")));
    let uses = ["enc", ""].map(|value| ("use", json!(value)));
    let algorithms = ["RS256", "HS256", "none"].map(|value| ("alg", json!(value)));
    let bad = operations.into_iter().chain(private).chain(uses).chain(algorithms).map(|bad| (bad, true));
    let good = [json!(["verify"]), json!(["sign", "verify"])].map(|value| (("key_ops", value), false));
    for ((member, value), is_refused) in bad.chain(good) {
        let mut document = published(&issuer).await;
        // `key_ops` alone decides as well as next to `use`.
        if member == "key_ops" {
            document["keys"][0].as_object_mut().unwrap().remove("use");
        }
        document["keys"][0][member] = value.clone();
        let (code, _) = code_with_key_set(&issuer, document.to_string()).await;
        assert_eq!(code, is_refused.then_some(Code::TokenInvalid), "{member} {value}");
    }
}

#[tokio::test]
async fn a_shared_secret_in_a_key_set_is_ignored() {
    use base64::Engine;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    let issuer = TestIssuer::start().await;
    let secret = b"a public secret";
    let k = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret);
    let body = json!({ "keys": [{ "kty": "oct", "kid": "shared", "alg": "HS256", "k": k }] }).to_string();
    let url = serve(Router::new().route("/keys", get(move || async move { body }))).await;
    let auth = issuer.auth_graph().jwks_url(format!("{url}/keys")).build().unwrap();
    let now = issuer.clock().now().timestamp();
    let id = issuer.user("ada@example.com").id;
    let claims = json!({
        "iss": issuer.url(), "sub": id, "aud": "graph", "exp": now + 300, "iat": now, "nbf": now, "jti": "1",
        "sid": id, "client_id": "tests", "scope": "", "auth_time": now,
    });
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some("shared".to_owned());
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret).unwrap()).unwrap();
    assert_eq!(code_of(&auth, token).await, Some(Code::TokenInvalid));
}

#[tokio::test]
async fn at_most_32_keys_are_read() {
    let issuer = TestIssuer::start().await;
    let mut document = published(&issuer).await;
    let keys = document["keys"].as_array_mut().unwrap();
    for number in 0..32 {
        let mut other = keys[0].clone();
        other["kid"] = json!(format!("other-{number}"));
        keys.insert(0, other);
    }
    assert_eq!(code_with_key_set(&issuer, document.to_string()).await.0, Some(Code::TokenInvalid));
    document["keys"].as_array_mut().unwrap().remove(0);
    assert_eq!(code_with_key_set(&issuer, document.to_string()).await.0, None);
}
