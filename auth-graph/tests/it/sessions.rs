//! Users list and end their own sessions.

use chrono::Duration;
use engine::accounts::Rank;
use engine::purge;
use serde_json::json;

use crate::support::{TestApp, operation};

#[tokio::test]
async fn a_user_lists_their_sessions_and_the_current_one_is_marked() {
    let test = TestApp::new().await;
    let first = test.signed_in("ada@test.com", Rank::User).await;
    test.signed_in("eve@test.com", Rank::User).await;
    let second = test.sign_in(first.user.clone()).await;
    let former = second.caller.send("{ sessions { id } }", json!({})).await;
    assert_eq!(former.data("sessions").as_array().unwrap().len(), 2, "the former name of the field");
    let answer =
        second.caller.with_header("user-agent", "A Browser").send(operation!("my_login_sessions"), json!({})).await;
    let sessions = answer.data("myLoginSessions").as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!((&sessions[0]["current"], &sessions[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!(sessions[0]["ipAddress"], "192.0.2.1");
    assert_eq!(test.anonymous().send(operation!("my_login_sessions"), json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_user_ends_another_session_of_theirs() {
    let test = TestApp::new().await;
    let first = test.signed_in("ada@test.com", Rank::User).await;
    let second = test.sign_in(first.user.clone()).await;
    let sessions = second.caller.send(operation!("my_login_sessions"), json!({})).await;
    let other = sessions.data("myLoginSessions")[1]["id"].clone();
    let answer = second.caller.send(operation!("revoke_session"), json!({ "id": other })).await;
    assert_eq!(answer.data("revokeSession")["session"]["id"], other);
    assert_eq!(first.caller.me().await.code(), "TOKEN_REVOKED");
    assert_eq!(test.anonymous().refresh(&first.refresh).await.code(), "TOKEN_REVOKED");
    second.caller.me().await.data("me");
    let again = second.caller.send(operation!("revoke_session"), json!({ "id": other })).await;
    assert_eq!(again.code(), "NOT_FOUND");
}

#[tokio::test]
async fn no_user_ends_a_session_of_another_user() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let sessions = ada.caller.send(operation!("my_login_sessions"), json!({})).await;
    for id in [sessions.data("myLoginSessions")[0]["id"].clone(), json!("x"), json!(ada.user.id.to_string())] {
        let answer = root.caller.send(operation!("revoke_session"), json!({ "id": id })).await;
        assert_eq!(answer.code(), "NOT_FOUND");
    }
    ada.caller.me().await.data("me");
}

#[tokio::test]
async fn fusionauth_979_signing_out_ends_the_session_at_once_and_can_be_repeated() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let answer = test.anonymous().logout(&signed_in.refresh).await;
    assert_eq!(answer.data("logout")["revokedSessions"], 1);
    assert_eq!(signed_in.caller.me().await.code(), "TOKEN_REVOKED");
    let verification = test.anonymous().verify(&signed_in.access).await;
    assert_eq!(verification.data("verify")["reason"], "REVOKED");
    assert_eq!(test.anonymous().logout(&signed_in.refresh).await.data("logout")["revokedSessions"], 0);
}

#[tokio::test]
async fn an_access_token_signs_out_too_and_everywhere_ends_all_sessions() {
    let test = TestApp::new().await;
    let first = test.signed_in("ada@test.com", Rank::User).await;
    let second = test.sign_in(first.user.clone()).await;
    let eve = test.signed_in("eve@test.com", Rank::User).await;
    let answer = first.caller.send(operation!("logout"), json!({ "everywhere": true })).await;
    assert_eq!(answer.data("logout")["revokedSessions"], 2);
    assert_eq!(second.caller.me().await.code(), "TOKEN_REVOKED");
    eve.caller.me().await.data("me");
}

#[tokio::test]
async fn signing_out_requires_a_token() {
    let test = TestApp::new().await;
    assert_eq!(test.anonymous().send(operation!("logout"), json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(test.anonymous().logout("agr_x").await.code(), "TOKEN_INVALID");
}

#[tokio::test]
async fn an_outdated_token_cannot_end_all_sessions() {
    let test = TestApp::new().await;
    let stolen = test.signed_in("ada@test.com", Rank::User).await;
    let other = test.sign_in(stolen.user.clone()).await;
    let second = test.anonymous().refresh(&stolen.refresh).await;
    test.anonymous().refresh(second.data("refresh")["refreshToken"].as_str().unwrap()).await;
    let variables = json!({ "refreshToken": stolen.refresh, "everywhere": true });
    let everywhere = async || test.anonymous().send(operation!("logout"), variables.clone()).await.code().to_owned();
    assert_eq!(everywhere().await, "UNAVAILABLE", "it may be a delayed request");
    other.caller.me().await.data("me");
    test.app.clock.advance(Duration::minutes(1));
    assert_eq!(everywhere().await, "TOKEN_REUSED");
    other.caller.me().await.data("me");
}

#[tokio::test]
async fn an_ended_session_is_deleted_after_its_retention_time() {
    let test = TestApp::new().await;
    let old = test.signed_in("ada@test.com", Rank::User).await;
    let housekeeping = async || purge(&test.app, test.app.clock.now()).await.unwrap();
    let (idle, kept) = (test.app.config.tokens.idle_lifetime, test.app.config.audit.session_retention);
    test.app.clock.advance(idle + kept - Duration::hours(1));
    housekeeping().await;
    assert_eq!(test.anonymous().refresh(&old.refresh).await.code(), "TOKEN_EXPIRED");
    let new = test.sign_in(old.user.clone()).await;
    test.app.clock.advance(Duration::hours(2));
    housekeeping().await;
    assert_eq!(test.anonymous().refresh(&old.refresh).await.code(), "TOKEN_INVALID", "the session is unknown");
    test.anonymous().refresh(&new.refresh).await.data("refresh");
}

/// A loop of sign-ins fills neither the table nor the transaction that ends all sessions.
#[tokio::test]
async fn a_user_has_a_bounded_number_of_sessions_and_the_one_that_rests_longest_ends() {
    let test = TestApp::with(|config| config.tokens.sessions_per_user = 3).await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let first = test.signed_in("ada@test.com", Rank::User).await;
    let mut others = Vec::new();
    for _ in 0..2 {
        test.app.clock.advance(Duration::seconds(1));
        others.push(test.sign_in(first.user.clone()).await);
    }
    // Another user acts as this one, which ends none of the sessions.
    let input = json!({ "id": first.user.id, "reason": "ticket 7" });
    let impersonate = "mutation($input: ImpersonateInput!) { impersonate(input: $input) { accessToken } }";
    let acting = root.caller.send(impersonate, json!({ "input": input })).await;
    let acting = test.bearer(acting.data("impersonate")["accessToken"].as_str().unwrap());
    test.app.clock.advance(Duration::seconds(1));
    let first_again = test.anonymous().refresh(&first.refresh).await;
    let first_again = first_again.data("refresh")["refreshToken"].as_str().unwrap().to_owned();
    test.app.clock.advance(Duration::seconds(1));
    test.sign_in(first.user.clone()).await;

    assert_eq!(others[0].caller.me().await.code(), "TOKEN_REVOKED", "it was not used for the longest time");
    assert_eq!(test.anonymous().refresh(&others[0].refresh).await.code(), "TOKEN_REVOKED");
    others[1].caller.me().await.data("me");
    acting.me().await.data("me");
    test.anonymous().refresh(&first_again).await.data("refresh");
    let listed = others[1].caller.send(operation!("my_login_sessions"), json!({})).await;
    assert_eq!(listed.data("myLoginSessions").as_array().unwrap().len(), 4, "with the one of the impersonator");
    let ended = store::outbox::after(&test.app.db, 0, 100).await.unwrap();
    assert_eq!(ended.iter().filter(|change| change.kind == store::changes::Kind::SessionRevoked).count(), 1);
}
