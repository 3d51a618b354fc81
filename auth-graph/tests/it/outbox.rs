//! The outbox: a reader that continues after a position misses no change, even if transactions interleave.

use std::time::Duration;

use engine::accounts::Rank;
use engine::administration::{self, NewAccount};
use engine::callers::Actor;
use engine::callers::Device;
use engine::clients::{self, Credentials};
use engine::feed::outbox as following;
use engine::keys::{self, Start};
use engine::purge;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use store::changes::{self, Kind};
use store::outbox;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_misses_no_change_while_transactions_interleave() {
    const WRITERS: i64 = 40;
    let test = TestApp::new().await;
    let user = test.create_user("ada@test.com").await.id;
    let start = outbox::last(&test.app.db).await.unwrap();
    let write = async |number: i64| {
        let txn = store::begin(&test.app.db).await.unwrap();
        let now = test.app.clock.now();
        changes::append_user(&txn, Kind::UserUpdated, user, number, now).await.unwrap();
        for _ in 0..number % 7 {
            tokio::task::yield_now().await;
        }
        if number % 5 == 0 { txn.rollback().await.unwrap() } else { txn.commit().await.unwrap() }
    };
    let read = async {
        let mut seen = Vec::new();
        let mut position = start;
        while seen.len() < 32 {
            for change in outbox::after(&test.app.db, position, 3).await.unwrap() {
                assert_eq!(change.position, position + 1, "a gap");
                position = change.position;
                seen.push(change.version);
            }
        }
        seen
    };
    let (mut seen, _) = tokio::join!(
        async { tokio::time::timeout(Duration::from_secs(30), read).await.unwrap() },
        join_all((0..WRITERS).map(write)),
    );
    seen.sort_unstable();
    assert_eq!(seen, (0..WRITERS).filter(|number| number % 5 != 0).collect::<Vec<_>>());
}

/// On PostgreSQL transactions write changes without waiting for each other. A reader sees a change at the end, and not
/// before a change that was read already.
#[tokio::test]
async fn a_change_that_was_written_first_and_committed_last_comes_last() {
    let test = TestApp::new().await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let user = test.create_user("ada@test.com").await.id;
    let start = outbox::last(&test.app.db).await.unwrap();
    let begin = async |version| {
        let txn = store::begin(&test.app.db).await.unwrap();
        changes::append_user(&txn, Kind::UserUpdated, user, version, test.app.clock.now()).await.unwrap();
        txn
    };
    let read = async || {
        let found = outbox::after(&test.app.db, start, 10).await.unwrap();
        found.iter().map(|change| (change.position - start, change.version)).collect::<Vec<_>>()
    };
    let (first, second) = (begin(1).await, begin(2).await);
    assert_eq!(read().await, []);
    second.commit().await.unwrap();
    assert_eq!(read().await, [(1, 2)]);
    first.commit().await.unwrap();
    assert_eq!(read().await, [(1, 2), (2, 1)]);
}

/// Two replicas number at the same time, and a change has one position.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_read_at_the_same_time_see_the_same_positions() {
    const WRITERS: i64 = 200;
    let test = TestApp::new().await;
    let other = test.replica().await;
    let user = test.create_user("ada@test.com").await.id;
    let start = outbox::last(&test.app.db).await.unwrap();
    let write = async |version: i64| {
        let txn = store::begin(&test.app.db).await.unwrap();
        changes::append_user(&txn, Kind::UserUpdated, user, version, test.app.clock.now()).await.unwrap();
        txn.commit().await.unwrap();
    };
    let read = async |db: &DatabaseConnection| {
        let mut seen = Vec::new();
        while seen.len() < WRITERS as usize {
            let position = start + seen.len() as i64;
            seen.extend(
                outbox::after(db, position, 7).await.unwrap().iter().map(|change| (change.position, change.version)),
            );
        }
        seen
    };
    let (here, there, _) = tokio::join!(read(&test.app.db), read(&other.db), join_all((0..WRITERS).map(write)));
    assert_eq!(here, there);
    assert!(here.iter().zip(start + 1..).all(|((position, _), expected)| *position == expected), "{here:?}");
}

#[tokio::test]
async fn a_replica_that_stalled_for_longer_than_the_retention_starts_again() {
    let test = TestApp::new().await;
    for left in [0, 1] {
        let stalled = test.replica().await;
        let client = test.service_client(&format!("orders{left}"), "").await;
        let presented = Credentials { client_id: client.id.to_string(), secret: Some(client.secret.into()) };
        clients::authenticate(&stalled, &presented, &Device::default()).await.unwrap();
        clients::rotate_secret(&test.app, &Actor::operator(), client.id).await.unwrap();
        let key = keys::rotate(&test.app, &Actor::operator(), Start::Now).await.unwrap();
        test.app.clock.advance(chrono::Duration::days(8));
        for number in 0..left {
            test.create_user(&format!("late{number}@test.com")).await;
        }
        purge(&test.app, test.app.clock.now()).await.unwrap();
        assert!(stalled.tokens.keyring.current().find(&key).is_none());

        following::catch_up(&stalled).await.unwrap();

        assert!(stalled.tokens.keyring.current().find(&key).is_some(), "the change about it was deleted");
        assert!(
            clients::authenticate(&stalled, &presented, &Device::default()).await.is_err(),
            "it has another secret"
        );
        let head = outbox::last(&test.app.db).await.unwrap();
        assert_eq!(stalled.tokens.revocations.followed_position(), head);
    }
}

#[tokio::test]
async fn every_change_is_written_with_its_subject() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    test.disable(signed_in.user.id).await;
    test.enable(signed_in.user.id).await;
    let changes = outbox::after(&test.app.db, 0, 100).await.unwrap();
    let seen: Vec<_> = changes.iter().map(|change| (change.kind, change.version)).collect();
    let expected = [(Kind::UserCreated, 1), (Kind::SessionRevoked, 0), (Kind::UserUpdated, 2), (Kind::UserUpdated, 3)];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_taken_address_is_a_conflict_and_writes_no_change() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    let before = outbox::last(&test.app.db).await.unwrap();
    let new = NewAccount::plain("ADA@test.com".parse().unwrap(), None);
    let refused = administration::create(&test.app, &Actor::operator(), new).await.unwrap_err();
    assert_eq!(refused.code(), model::error::Code::Conflict);
    assert_eq!(outbox::last(&test.app.db).await.unwrap(), before);
}

/// Returns the setting of SQLite for commits that wait for the disk, or `None` on PostgreSQL, which waits by default.
async fn synchronous(db: &DatabaseConnection) -> Option<i32> {
    let pragma = Statement::from_string(DbBackend::Sqlite, "PRAGMA synchronous");
    match db.get_database_backend() {
        DbBackend::Sqlite => db.query_one_raw(pragma).await.unwrap().unwrap().try_get_by_index(0).ok(),
        _ => None,
    }
}

#[tokio::test]
async fn visible_changes_of_the_outbox_are_on_the_disk() {
    let test = TestApp::new().await;
    assert!(synchronous(&test.app.db).await.is_none_or(|waits| waits == 2), "not FULL");
    assert!(synchronous(&test.app.relaxed_db).await.is_none_or(|waits| waits == 1), "not NORMAL");
}
