//! Replicas that stand still or act at the same moment, and rows that pile up.

use std::time::Duration;

use engine::accounts::Rank;
use engine::{housekeep, purge};
use futures_util::future::join_all;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Set, Statement};
use serde_json::json;
use store::{changes, leases, outbox, rate_limits, users};

use crate::support::{TestApp, operation};

/// A replica that is stopped within a transaction after it has written a change holds up nobody but who wants the same
/// user, and readers see the changes of the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stands_still_does_not_stop_the_others() {
    let test = TestApp::with(|config| config.database.idle_in_transaction_timeout = Duration::from_secs(600)).await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let frozen = test.replica().await;
    let [ada, eve] =
        [test.signed_in("ada@test.com", Rank::User).await, test.signed_in("eve@test.com", Rank::User).await];
    let txn = store::begin(&frozen.db).await.unwrap();
    users::find_locked(&txn, ada.user.id).await.unwrap();
    changes::append_user(&txn, changes::Kind::UserUpdated, ada.user.id, 2, test.app.clock.now()).await.unwrap();
    let before = outbox::last(&test.app.db).await.unwrap();
    assert_eq!(test.anonymous().logout(&eve.refresh).await.data("logout")["revokedSessions"], 1);
    let read = outbox::after(&test.app.db, before, 10).await.unwrap();
    assert_eq!(read.iter().map(|change| change.kind).collect::<Vec<_>>(), [changes::Kind::SessionRevoked]);
    txn.rollback().await.unwrap();
}

/// Who wants the same user waits until PostgreSQL ends the connection of the replica that stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_is_locked_by_a_replica_that_stands_still_is_free_again_after_a_while() {
    let test = TestApp::with(|config| config.database.idle_in_transaction_timeout = Duration::from_secs(1)).await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let frozen = test.replica().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let txn = store::begin(&frozen.db).await.unwrap();
    users::find_locked(&txn, ada.user.id).await.unwrap();
    let everywhere = json!({ "refreshToken": ada.refresh, "everywhere": true });
    let ended = test.anonymous().send(operation!("logout"), everywhere).await;
    assert_eq!(ended.data("logout")["revokedSessions"], 1);
    drop(txn);
    // The pool of the frozen replica notices that its connection has gone.
    outbox::last(&frozen.db).await.unwrap();
}

/// The bounds are on every connection, and are those of the configuration.
#[tokio::test]
async fn every_connection_to_postgresql_has_its_bounds() {
    let test = TestApp::new().await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let shown = async |name: &str| -> String {
        let show = Statement::from_string(DbBackend::Postgres, format!("SELECT current_setting('{name}')"));
        test.app.db.query_one_raw(show).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    };
    assert_eq!(shown("statement_timeout").await, "30s");
    assert_eq!(shown("lock_timeout").await, "5s");
    assert_eq!(shown("idle_in_transaction_session_timeout").await, "3s");
}

/// A restore raises the version of every user, which takes longer than any request with many of them.
#[tokio::test]
async fn a_restore_may_take_longer_than_a_request() {
    let test = TestApp::with(|config| config.database.statement_timeout = Duration::from_secs(1)).await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    test.create_user("ada@test.com").await;
    let slow =
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.1); RETURN NEW; END';
        CREATE TRIGGER slowly BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION slowly()";
    test.app.db.execute_unprepared(slow).await.unwrap();
    let update = test.app.db.execute_unprepared("UPDATE users SET version = version").await.unwrap_err();
    assert!(update.to_string().contains("statement timeout"), "{update}");
    engine::feed::reset::announce(&test.app).await.unwrap();
}

/// The first attempt waits for as long as a lock may take. PostgreSQL then frees the lock during the second one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_waited_too_long_for_its_user_is_tried_once_more() {
    let test = TestApp::with(|config| {
        config.database.lock_timeout = Duration::from_secs(1);
        config.database.idle_in_transaction_timeout = Duration::from_millis(1500);
    })
    .await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let holder = test.replica().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let hold = async || {
        let txn = store::begin(&holder.db).await.unwrap();
        users::find_locked(&txn, ada.user.id).await.unwrap();
        txn
    };
    let held = hold().await;
    test.disable(ada.user.id).await;
    drop(held);
    test.enable(ada.user.id).await;
    let ada = test.sign_in(ada.user.clone()).await;
    let held = hold().await;
    let everywhere = ada.caller.send(operation!("logout"), json!({ "everywhere": true })).await;
    assert_eq!(everywhere.data("logout")["revokedSessions"], 1);
    drop(held);
}

/// Who is locked out for too long gets an answer that says so, and may try again.
#[tokio::test]
async fn a_lock_that_is_held_for_too_long_is_unavailable() {
    let test = TestApp::with(|config| config.database.lock_timeout = Duration::from_secs(1)).await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let holder = test.replica().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let txn = store::begin(&holder.db).await.unwrap();
    users::find_locked(&txn, ada.user.id).await.unwrap();
    let everywhere = || json!({ "refreshToken": ada.refresh, "everywhere": true });
    assert_eq!(test.anonymous().send(operation!("logout"), everywhere()).await.code(), "UNAVAILABLE");
    txn.rollback().await.unwrap();
    assert_eq!(test.anonymous().send(operation!("logout"), everywhere()).await.data("logout")["revokedSessions"], 1);
}

/// Each locked its own session first and then wanted those of the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_everywhere_from_several_devices_at_once_is_no_deadlock() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await.caller;
    let revoke_all = "mutation($id: ID!) { revokeUserSessions(userId: $id) { revokedSessions } }";
    for round in 0..6 {
        let first = test.signed_in(&format!("ada{round}@test.com"), Rank::User).await;
        let mut devices = vec![first];
        for _ in 0..3 {
            devices.push(test.sign_in(devices[0].user.clone()).await);
        }
        let everywhere = devices.iter().map(|device| async {
            let variables = json!({ "refreshToken": device.refresh, "everywhere": true });
            test.anonymous().send(operation!("logout"), variables).await
        });
        let administrator = root.send(revoke_all, json!({ "id": devices[0].user.id.to_string() }));
        let (answers, by_root) = tokio::join!(join_all(everywhere), administrator);
        let ended: i64 = answers.iter().map(|answer| answer.data("logout")["revokedSessions"].as_i64().unwrap()).sum();
        let by_root = by_root.data("revokeUserSessions")["revokedSessions"].as_i64().unwrap();
        assert_eq!(ended + by_root, 4, "each session was ended once");
    }
}

#[tokio::test]
async fn more_rows_than_one_batch_are_deleted() {
    let test = TestApp::new().await;
    let now = test.app.clock.now();
    let counters = |free_at: i64, names: std::ops::Range<i32>| {
        let row = move |number| rate_limits::ActiveModel {
            key: Set(format!("test:{number}")),
            free_at: Set(free_at),
            ..Default::default()
        };
        rate_limits::Entity::insert_many(names.map(row)).exec_without_returning(&test.app.db)
    };
    for start in [0, 500, 1000, 1500, 2000] {
        counters(now.timestamp_micros() - 1, start..start + 500).await.unwrap();
    }
    counters(now.timestamp_micros() + 60_000_000, 2500..2510).await.unwrap();
    purge(&test.app, now).await.unwrap();
    assert_eq!(rate_limits::Entity::find().count(&test.app.db).await.unwrap(), 10);
}

/// One replica deletes; the next round belongs to whoever comes first after a minute.
#[tokio::test]
async fn one_replica_a_minute_deletes_old_rows() {
    let test = TestApp::new().await;
    let other = test.replica().await;
    let add = async |name: &str| {
        let free_at = test.app.clock.now().timestamp_micros() - 1;
        let row = rate_limits::ActiveModel { key: Set(name.to_owned()), free_at: Set(free_at), ..Default::default() };
        rate_limits::Entity::insert(row).exec_without_returning(&test.app.db).await.unwrap();
    };
    let count = async || rate_limits::Entity::find().count(&test.app.db).await.unwrap();
    add("one").await;
    housekeep(&test.app).await.unwrap();
    assert_eq!(count().await, 0);
    add("two").await;
    housekeep(&other).await.unwrap();
    assert_eq!(count().await, 1, "it was done a moment ago");
    // The clock itself may not move so far: it is compared with that of PostgreSQL.
    let over = leases::Entity::update_many().col_expr(leases::Column::ExpiresAt, Expr::value(test.app.clock.now()));
    over.exec(&test.app.db).await.unwrap();
    housekeep(&other).await.unwrap();
    assert_eq!(count().await, 0);
}

/// A newer version adds columns while this one serves. What this one asks must not depend on their number: PostgreSQL
/// refuses a prepared statement whose result has changed, for as long as its connection lives.
#[tokio::test]
async fn a_column_that_is_added_to_any_table_while_serving_breaks_nothing() {
    let test = TestApp::with(|config| config.database.max_connections = 2).await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let client = test.service_client("orders", "users:read feed:read").await;
    let every_operation = async |round: usize| {
        let name = format!("ada{round}@test.com");
        let ada = test.signed_in(&name, Rank::User).await;
        assert_eq!(test.anonymous().login(&name, "wrong password").await.code(), "INVALID_CREDENTIALS");
        ada.caller.me().await.data("me");
        ada.caller.send(operation!("my_login_sessions"), json!({})).await.data("myLoginSessions");
        let second = test.anonymous().refresh(&ada.refresh).await;
        let second = second.data("refresh")["refreshToken"].as_str().unwrap();
        test.anonymous().refresh(&ada.refresh).await.data("refresh");
        assert_eq!(test.anonymous().verify(second).await.data("verify")["active"], true);
        for query in [
            "{ users { edges { node { id } } } }",
            "{ userSnapshots { edges { node { id } } } }",
            "{ userChanges { edges { node { cursor } } } }",
            "{ revocations { edges { node { endedAt } } } }",
            "{ auditEvents { edges { node { id } } } }",
            "{ loginEvents { edges { node { id } } } }",
            "{ clients { id } }",
            "{ webhooks { id } }",
        ] {
            let answer = root.caller.send(query, json!({})).await;
            assert!(answer.body["errors"].is_null(), "{query}: {}", answer.text);
        }
        let token = client.token().await;
        assert!(client.sees(&token).await);
        let disable = "mutation($id: ID!) { disableUser(id: $id, reason: \"test\") { user { id } } }";
        root.caller.send(disable, json!({ "id": ada.user.id.to_string() })).await.data("disableUser");
        purge(&test.app, test.app.clock.now()).await.unwrap();
        engine::feed::outbox::catch_up(&test.app).await.unwrap();
    };
    // Twice, so that every connection has prepared its statements.
    every_operation(0).await;
    every_operation(1).await;
    let newer = test.replica().await;
    for table in TABLES {
        newer.db.execute_unprepared(&format!("ALTER TABLE {table} ADD COLUMN newer text")).await.unwrap();
    }
    every_operation(2).await;
    every_operation(3).await;
}

const TABLES: [&str; 20] = [
    "audit_events",
    "change_head",
    "changes",
    "clients",
    "feed_history",
    "imports",
    "known_networks",
    "leases",
    "login_events",
    "mails",
    "one_time_tokens",
    "rate_limits",
    "revoked_tokens",
    "sessions",
    "signing_keys",
    "user_credentials",
    "user_numbers",
    "users",
    "webhook_deliveries",
    "webhooks",
];

/// A new table must not be forgotten in the list.
#[tokio::test]
async fn the_list_of_tables_is_complete() {
    let test = TestApp::new().await;
    let backend = test.app.db.get_database_backend();
    let list = match backend {
        DbBackend::Postgres => {
            "SELECT relname::text AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
            AND relnamespace = current_schema()::regnamespace"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    };
    let rows = test.app.db.query_all_raw(Statement::from_string(backend, list)).await.unwrap();
    let mut found: Vec<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
    found.retain(|name| name != "seaql_migrations");
    found.sort_unstable();
    assert_eq!(found, TABLES);
}

/// A replica whose clock is wrong would issue tokens that others reject, and delete what they need.
#[tokio::test]
async fn a_replica_with_a_wrong_clock_is_not_ready_and_deletes_nothing() {
    let test = TestApp::new().await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    assert!(engine::readiness(&test.app).await.clock);
    let row = rate_limits::ActiveModel { key: Set("one".to_owned()), free_at: Set(0), ..Default::default() };
    rate_limits::Entity::insert(row).exec_without_returning(&test.app.db).await.unwrap();
    test.app.clock.advance(chrono::Duration::minutes(1));
    let answer = test.anonymous().get("/readyz").await;
    assert_eq!((answer.status.as_u16(), &answer.body["clock"]), (503, &json!("failing")));
    housekeep(&test.app).await.unwrap();
    assert_eq!(rate_limits::Entity::find().count(&test.app.db).await.unwrap(), 1);
}
