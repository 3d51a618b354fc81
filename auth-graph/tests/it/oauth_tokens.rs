//! The endpoints `/oauth/introspect` and `/oauth/revoke`: permissions, and the end of tokens.

use chrono::Duration;
use engine::accounts::Rank;
use engine::app::App;
use engine::callers::Actor;
use engine::callers::{Refusal, authenticate};
use engine::clients::{self, TokenRequest};
use model::error::Code;
use secrecy::SecretString;
use serde_json::json;
use store::clients as rows;

use crate::support::{Caller, ISSUER, TestApp};

const INTROSPECT: &str = "/oauth/introspect";
const REVOKE: &str = "/oauth/revoke";

async fn revoke(caller: &Caller, token: &str) -> (u16, String) {
    let answer = caller.form(REVOKE, &[("token", token), ("token_type_hint", "nonsense")]).await;
    (answer.status.as_u16(), answer.body["error"].as_str().unwrap_or_default().to_owned())
}

async fn first_party(test: &TestApp, token: &str) -> (u16, String) {
    let answer = test.anonymous().form(REVOKE, &[("token", token), ("client_id", "first-party")]).await;
    (answer.status.as_u16(), answer.body["error"].as_str().unwrap_or_default().to_owned())
}

fn done() -> (u16, String) {
    (200, String::new())
}

async fn refusal(app: &App, token: &str) -> Refusal {
    authenticate(app, &SecretString::from(token)).await.unwrap_err()
}

#[tokio::test]
async fn a_valid_access_token_is_described() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let ada = test.signed_in("ada@test.com", Rank::Staff).await;
    let answer = client.caller.form(INTROSPECT, &[("token", &ada.access), ("token_type_hint", "access_token")]).await;
    let body = &answer.body;
    assert_eq!(answer.headers["cache-control"], "no-store");
    for (member, expected) in [
        ("active", json!(true)),
        ("token_type", json!("Bearer")),
        ("scope", json!("users:read")),
        ("client_id", json!("first-party")),
        ("sub", json!(ada.user.id)),
        ("aud", json!("graph")),
        ("iss", json!(ISSUER)),
    ] {
        assert_eq!(body[member], expected, "{member}");
    }
    assert_eq!(body["exp"].as_i64().unwrap() - body["iat"].as_i64().unwrap(), 300);
    assert!(body["nbf"].is_i64() && body["jti"].is_string() && body["sid"].is_string());
}

/// authorizer #606: introspection was open to callers without a secret.
#[tokio::test]
async fn authorizer_606_introspection_requires_a_secret() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let id = client.id.to_string();
    for fields in [
        vec![("token", &*ada.access)],
        vec![("token", &*ada.access), ("client_id", &id)],
        vec![("token", &*ada.access), ("client_id", &id), ("client_secret", "")],
        vec![("token", &*ada.access), ("client_id", "first-party")],
    ] {
        let answer = test.anonymous().form(INTROSPECT, &fields).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]), (401, &json!("invalid_client")));
    }
    assert_eq!(ada.caller.form(INTROSPECT, &[("token", &ada.access)]).await.status, 401);
    assert_eq!(client.caller.form(INTROSPECT, &[]).await.body["error"], "invalid_request");
}

#[tokio::test]
async fn a_token_for_another_audience_is_inactive_like_an_invalid_one() {
    let test = TestApp::with(|config| {
        config.tokens.further_audiences = ["https://elsewhere.test", "https://orders.test"].map(str::to_owned).to_vec();
    })
    .await;
    let stranger = test.service_client_for("stranger", "", &["https://elsewhere.test"]).await;
    let owner = test.service_client_for("owner", "", &["https://orders.test"]).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let own = owner.token().await;
    assert!(owner.sees(&own).await);
    for token in [&ada.access, &ada.refresh, &own, "", "x", "agr_x", "a.b.c", &"a".repeat(9000)] {
        if token.is_empty() {
            continue;
        }
        let answer = stranger.caller.form(INTROSPECT, &[("token", token)]).await;
        assert_eq!(answer.body, json!({ "active": false }), "the answer contains nothing else");
    }
    let ours = test.service_client("ours", "").await;
    assert!(ours.sees(&ada.access).await);
    assert!(!ours.sees(&ada.refresh).await, "only its own client sees a refresh token");
    test.app.clock.advance(Duration::minutes(6));
    assert!(!ours.sees(&ada.access).await);
}

/// authorizer #606 and #774: tokens stayed active after a sign-out, and revoking an access token did nothing.
#[tokio::test]
async fn authorizer_774_a_revoked_token_is_inactive_everywhere() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    for by_refresh_token in ["refresh", "access"] {
        let ada = test.signed_in(&format!("{by_refresh_token}@test.com"), Rank::User).await;
        let presented = if by_refresh_token == "refresh" { &ada.refresh } else { &ada.access };
        assert!(client.sees(&ada.access).await);
        assert_eq!(first_party(&test, presented).await, done());
        assert!(!client.sees(&ada.access).await);
        assert_eq!(ada.caller.me().await.code(), "TOKEN_REVOKED");
        assert_eq!(test.anonymous().verify(&ada.access).await.data("verify")["reason"], "REVOKED");
        assert_eq!(test.anonymous().refresh(&ada.refresh).await.code(), "TOKEN_REVOKED");
        assert_eq!(first_party(&test, presented).await, done(), "once more");
    }
}

#[tokio::test]
async fn a_service_revokes_one_of_its_tokens_and_keeps_the_others() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let client = test.service_client("orders", "users:read").await;
    let (first, second) = (client.token().await, client.token().await);
    assert_eq!(revoke(&client.caller, &first).await, done());
    assert_eq!(revoke(&client.caller, &first).await, done());
    assert!(!client.sees(&first).await);
    assert!(client.sees(&second).await);
    assert_eq!(test.bearer(&first).me().await.code(), "TOKEN_REVOKED");
    assert_eq!(refusal(&test.replica().await, &first).await, Refusal::Revoked, "a replica that starts later");
    // A replica that does not follow the outbox asks the database.
    authenticate(&replica, &SecretString::from(&*first)).await.unwrap();
    test.app.clock.advance(Duration::seconds(2));
    assert_eq!(refusal(&replica, &first).await, Refusal::Revoked);
    authenticate(&replica, &SecretString::from(&*second)).await.unwrap();
    engine::feed::outbox::catch_up(&replica).await.unwrap();
    assert_eq!(refusal(&replica, &first).await, Refusal::Revoked);
    // Expired revocations are deleted.
    engine::purge(&test.app, test.app.clock.now() + Duration::days(1) + Duration::minutes(6)).await.unwrap();
    let kept = store::revoked_tokens::revoked_since(&test.app.db, chrono::DateTime::UNIX_EPOCH).await;
    assert!(kept.unwrap().is_empty());
}

/// RFC 7009 section 2.1: the request is rejected, and the token stays valid.
#[tokio::test]
async fn a_token_of_another_client_is_not_revoked() {
    let test = TestApp::new().await;
    let thief = test.service_client("thief", "").await;
    let owner = test.service_client("owner", "").await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let token = owner.token().await;
    for token in [&ada.refresh, &ada.access, &token] {
        assert_eq!(revoke(&thief.caller, token).await, (400, "invalid_grant".to_owned()));
    }
    assert_eq!(first_party(&test, &token).await, (400, "invalid_grant".to_owned()));
    assert_eq!(test.anonymous().form(REVOKE, &[("token", &ada.access)]).await.status, 401);
    assert!(owner.sees(&token).await && owner.sees(&ada.access).await);
    test.anonymous().refresh(&ada.refresh).await.data("refresh");
}

/// RFC 7009 section 2.2: an invalid token needs no revocation.
#[tokio::test]
async fn revoking_an_invalid_token_is_not_an_error() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    for token in ["x", "agr_x", "a.b.c", "\u{0}"] {
        assert_eq!(revoke(&client.caller, token).await, done());
        assert_eq!(first_party(&test, token).await, done());
    }
    let expired = client.token().await;
    test.app.clock.advance(Duration::minutes(6));
    assert_eq!(revoke(&client.caller, &expired).await, done());
    assert_eq!(client.caller.form(REVOKE, &[("token", "")]).await.body["error"], "invalid_request");
}

#[tokio::test]
async fn revoking_an_outdated_refresh_token_ends_its_session() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let second = test.anonymous().refresh(&ada.refresh).await.data("refresh")["refreshToken"].clone();
    test.anonymous().refresh(second.as_str().unwrap()).await.data("refresh");
    assert_eq!(first_party(&test, &ada.refresh).await, done());
    assert_eq!(ada.caller.me().await.code(), "TOKEN_REVOKED");
}

/// In another service, tokens of a deactivated service account stayed valid at other replicas.
#[tokio::test]
async fn disabling_a_client_ends_its_tokens_everywhere() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let watcher = test.service_client("watcher", "").await;
    let client = test.service_client("orders", "users:read").await;
    let token = client.token().await;
    authenticate(&replica, &SecretString::from(&*token)).await.unwrap();
    clients::disable(&test.app, &Actor::operator(), client.id).await.unwrap();
    assert_eq!(refusal(&test.app, &token).await, Refusal::Revoked);
    assert!(!watcher.sees(&token).await);
    assert_eq!(refusal(&test.replica().await, &token).await, Refusal::Revoked, "a replica that starts later");
    test.app.clock.advance(Duration::seconds(2));
    assert_eq!(refusal(&replica, &token).await, Refusal::Revoked, "a replica that does not follow the outbox");
    engine::feed::outbox::catch_up(&replica).await.unwrap();
    assert_eq!(refusal(&replica, &token).await, Refusal::Revoked, "a replica that follows the outbox");
    assert_eq!(client.caller.form(INTROSPECT, &[("token", &token)]).await.status, 401);
    assert_eq!(client.caller.form(REVOKE, &[("token", &token)]).await.status, 401);
}

/// Granting and disabling lock the client: a request during the disabling waits, and gets no token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_granted_while_a_client_is_being_disabled() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let found = rows::find(&test.app.db, client.id).await.unwrap().unwrap();
    let txn = store::begin(&test.app.db).await.unwrap();
    rows::disable(&txn, client.id, test.app.clock.now()).await.unwrap();
    let disabling = async {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        txn.commit().await.unwrap();
    };
    let (granted, ()) =
        tokio::join!(clients::grant_client_credentials(&test.app, &found, TokenRequest::default()), disabling);
    assert_eq!(granted.unwrap_err().code(), Code::InvalidCredentials);
}
