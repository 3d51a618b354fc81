//! What one process ends, the others refuse.

use std::time::Duration;

use auth_graph::app::App;
use auth_graph::auth::accounts::Rank;
use auth_graph::auth::principal::{Refusal, authenticate};
use auth_graph::tasks;
use secrecy::SecretString;

use crate::support::TestApp;

async fn until_refused(app: &App, token: &SecretString) {
    let refused = async {
        while authenticate(app, token).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
    assert_eq!(authenticate(app, token).await.unwrap_err(), Refusal::Revoked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_one_replica_ends_is_refused_by_the_others() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let _tasks = tasks::spawn(&replica);
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let token: SecretString = signed_in.access.into();
    authenticate(&replica, &token).await.unwrap();
    test.anonymous().logout(&signed_in.refresh).await.data("logout");
    until_refused(&replica, &token).await;
}

#[tokio::test]
async fn a_replica_that_does_not_follow_asks_the_database() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let token: SecretString = signed_in.access.into();
    test.anonymous().logout(&signed_in.refresh).await.data("logout");
    test.app.clock.advance(chrono::Duration::seconds(2));
    assert_eq!(authenticate(&replica, &token).await.unwrap_err(), Refusal::Revoked);
}

#[tokio::test]
async fn a_replica_that_can_not_know_says_so() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let token: SecretString = test.signed_in("ada@test.com", Rank::User).await.access.into();
    replica.db.clone().close().await.unwrap();
    authenticate(&replica, &token).await.unwrap();
    test.app.clock.advance(chrono::Duration::seconds(2));
    assert_eq!(authenticate(&replica, &token).await.unwrap_err(), Refusal::Unknown);
}

#[tokio::test]
async fn a_replica_that_starts_later_knows_what_was_ended_before() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    test.disable(signed_in.user.id).await;
    let replica = test.replica().await;
    assert_eq!(authenticate(&replica, &signed_in.access.into()).await.unwrap_err(), Refusal::Revoked);
}

#[tokio::test]
async fn the_set_forgets_what_has_expired() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    test.anonymous().logout(&signed_in.refresh).await.data("logout");
    let session = signed_in.access.split('.').nth(1).unwrap().to_owned();
    let claims = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, session).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    let id = claims["sid"].as_str().unwrap().parse().unwrap();
    let now = test.app.clock.now();
    auth_graph::auth::purge(&test.app, now).await.unwrap();
    assert!(test.app.revocations.contains(id));
    auth_graph::auth::purge(&test.app, now + chrono::Duration::minutes(6)).await.unwrap();
    assert!(!test.app.revocations.contains(id));
}
