//! More log-ins than the service can take: what else it does goes on, and nobody pays for a failure of the service.

use std::pin::pin;

use engine::accounts::Rank;
use engine::feed::outbox;
use futures_util::poll;
use sea_orm::ConnectionTrait;

use crate::support::{BusyHasher, PASSWORD, TestApp, count_queries, operation};
use serde_json::json;

/// Log-ins wait for connections of their own. A token is checked in the database when the outbox was not read for a
/// while, which it can be at any time.
#[tokio::test]
async fn verification_does_not_wait_for_log_ins() {
    let test = TestApp::with(|config| config.database.max_connections = 2).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let mut taken = Vec::new();
    for _ in 0..2 {
        taken.push(sea_orm::TransactionTrait::begin(&test.app.db).await.unwrap());
    }
    test.app.clock.advance(chrono::Duration::seconds(2));
    for token in [&ada.access, &ada.refresh] {
        assert_eq!(test.anonymous().verify(token).await.data("verify")["active"], true);
    }
    outbox::catch_up(&test.app).await.unwrap();
    assert!(engine::readiness(&test.app).await.database);
    drop(taken);
}

#[tokio::test]
async fn a_log_in_that_is_refused_for_the_queue_sends_no_query() {
    let test = TestApp::with(|config| {
        config.passwords.queue = 1;
        config.accounts.usernames = true;
    })
    .await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let _busy = BusyHasher::of(&test.app);
    let password = "the one that waits".into();
    let mut waits = pin!(test.app.passwords.pool.hash(&password));
    assert!(poll!(&mut waits).is_pending());
    let (refused, queries) = count_queries(test.anonymous().login("ada@test.com", PASSWORD)).await;
    assert_eq!((refused.code(), queries), ("UNAVAILABLE", 0));
    let by_name = json!({ "input": { "username": "ada", "password": PASSWORD } });
    let (refused, queries) = count_queries(test.anonymous().send(operation!("login"), by_name)).await;
    assert_eq!((refused.code(), queries), ("UNAVAILABLE", 0));
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another-long-one-42" });
    let refused = ada.caller.send(operation!("change_password"), json!({ "input": change })).await;
    assert_eq!(refused.code(), "UNAVAILABLE");
}

/// The failure comes at the end, after the password was right.
#[tokio::test]
async fn a_log_in_that_fails_inside_gives_its_attempt_back() {
    let test = TestApp::with(|config| config.limits.account_attempts = 2).await;
    test.create_user("ada@test.com").await;
    let rename = async |from: &str, to: &str| {
        test.app.db.execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.unwrap();
    };
    for table in ["login_events", "user_credentials"] {
        rename(table, "elsewhere").await;
        for _ in 0..4 {
            assert_eq!(test.anonymous().login("ada@test.com", PASSWORD).await.code(), "INTERNAL", "{table}");
        }
        rename("elsewhere", table).await;
        test.anonymous().login("ada@test.com", PASSWORD).await.data("login");
    }
}

/// Judging a password costs as much as hashing it, and weak passwords cost it too.
#[tokio::test]
async fn new_passwords_are_judged_in_the_queue_of_the_hashes() {
    let test = TestApp::with(|config| {
        config.passwords.queue = 1;
        config.accounts.registration = model::config::Registration::Open;
    })
    .await;
    let register = async || {
        let input = json!({ "email": "ada@test.com", "password": "password1" });
        test.anonymous().send(operation!("register"), json!({ "input": input })).await
    };
    assert_eq!(register().await.code(), "VALIDATION_FAILED");
    let _busy = BusyHasher::of(&test.app);
    let password = "the one that waits".into();
    let mut waits = pin!(test.app.passwords.pool.hash(&password));
    assert!(poll!(&mut waits).is_pending());
    assert_eq!(register().await.code(), "UNAVAILABLE");
}
