//! Migrations run, are reverted, and run again, on both databases.

use auth_graph::cli::Failure;
use auth_graph_migrations::Migrator;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;

use crate::support::{PASSWORD, TestApp};

fn how_many() -> u32 {
    Migrator::migrations().len().try_into().unwrap()
}

#[tokio::test]
async fn migrations_run_and_are_reverted_and_run_again() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    assert_eq!(store::pending_migrations(db).await.unwrap(), 0);
    store::migrate_down(db, how_many()).await.unwrap();
    assert_eq!(store::pending_migrations(db).await.unwrap(), Migrator::migrations().len());
    store::migrate(db).await.unwrap();
    assert_eq!(store::pending_migrations(db).await.unwrap(), 0);
    test.create_user("ada@test.com").await;
}

#[tokio::test]
async fn replicas_that_migrate_at_once_take_turns() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    store::migrate_down(db, how_many()).await.unwrap();
    let all = futures_util::future::join_all((0..4).map(|_| store::migrate(db))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}

/// The newer version is started while this one still serves, and this one may be started again.
#[tokio::test]
async fn beside_a_newer_version_that_has_expanded_the_database_this_one_serves_and_starts() {
    let test = TestApp::new().await;
    record(&test, "m20990101_000001_newer").await;
    let ready = engine::readiness(&test.app).await;
    let expected = engine::Readiness { database: true, writable: true, migrations: true, keys: true, clock: true };
    assert_eq!(ready, expected);
    store::migrate(&test.app.db).await.unwrap();
    test.replica().await;
    let why = store::migrate_down(&test.app.db, 1).await.unwrap_err().to_string();
    assert!(why.contains("m20990101_000001_newer"), "{why}");
    assert_eq!(store::pending_migrations(&test.app.db).await.unwrap(), 0, "no migration was reverted");
}

#[tokio::test]
async fn beside_a_newer_version_that_has_contracted_the_database_this_one_does_not_start() {
    let test = TestApp::new().await;
    record(&test, "m20990101_000001_newer").await;
    record(&test, "m20990101_000002_names_contract").await;
    for refused in [store::migrate(&test.app.db).await, store::migrate_down(&test.app.db, 1).await] {
        let why = refused.unwrap_err().to_string();
        assert!(why.contains("newer version"), "{why}");
    }
    let refused = Failure::from(store::migrate(&test.app.db).await.unwrap_err()).to_string();
    assert!(refused.contains("m20990101_000002_names_contract"), "{refused}");
    assert!(refused.contains("hint: `auth-graph migrate --down"), "{refused}");
}

async fn record(test: &TestApp, newer: &str) {
    let insert = format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{newer}', 0)");
    test.app.db.execute_unprepared(&insert).await.unwrap();
}

/// What older versions do not notice all the same: they write changes with a position and read those that have one, and
/// a new table takes the place of the renamed one.
const HARMLESS: [(&str, &str); 2] =
    [("m20261129_000200_changes_numbered_later", "alter column"), ("m20261129_000300_events_by_month", "rename")];

/// ADR 57: what a migration may do while older versions serve.
#[test]
fn a_migration_that_contracts_says_so_in_its_name() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/src");
    let mut looked_at = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("m2") || name.ends_with("_contract") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        // What reverts it stands at the end, and its statements after those that run it.
        let up = text[..text.find("async fn down").unwrap()].to_owned();
        let reverting = up.find("const down").map(|start| start..up.find("#[async_trait").unwrap());
        let up = reverting.map_or(up.clone(), |reverting| up[..reverting.start].to_owned() + &up[reverting.end..]);
        for removing in
            ["drop_table", "drop_column", "rename", "modify_column", "drop table", "drop column", "alter column"]
        {
            let is_harmless = HARMLESS.contains(&(&name, removing));
            assert_eq!(
                up.contains(removing),
                is_harmless,
                "{name} contracts the database ({removing}): end its name with _contract"
            );
        }
        looked_at += 1;
    }
    assert_eq!(looked_at, Migrator::migrations().len());
}

/// A backup or a report reads a table for a long time. A migration that needs the table gives way: requests that wait
/// behind it are served, and it comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_waits_for_a_table_does_not_stop_the_service() {
    let test = TestApp::with(|config| {
        config.database.idle_in_transaction_timeout = std::time::Duration::from_secs(600);
        config.database.lock_timeout = std::time::Duration::from_secs(60);
    })
    .await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let reader = test.replica().await;
    let txn = store::begin(&reader.db).await.unwrap();
    txn.execute_unprepared("SELECT count(*) FROM users").await.unwrap();
    let migrating = reader.db.clone();
    let migrating = tokio::spawn(async move { store::migrate_down(&migrating, how_many()).await });
    // Until it waits for the reader.
    while !waits_for_a_lock(&test).await {
        tokio::task::yield_now().await;
    }
    test.create_user("ada@test.com").await;
    test.anonymous().login("ada@test.com", PASSWORD).await.data("login");
    assert!(!migrating.is_finished());
    txn.rollback().await.unwrap();
    migrating.await.unwrap().unwrap();
    store::migrate(&test.app.db).await.unwrap();
    test.anonymous().login("ada@test.com", PASSWORD).await;
}

async fn waits_for_a_lock(test: &TestApp) -> bool {
    let ask = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
               AND wait_event_type = 'Lock' AND state = 'active')";
    let ask = Statement::from_string(DbBackend::Postgres, ask);
    test.app.db.query_one_raw(ask).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn checking_for_pending_migrations_creates_no_table() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    db.execute_unprepared("DROP TABLE seaql_migrations").await.unwrap();
    assert_eq!(store::pending_migrations(db).await.unwrap(), Migrator::migrations().len());
    db.execute_unprepared("SELECT version FROM seaql_migrations").await.unwrap_err();
}
