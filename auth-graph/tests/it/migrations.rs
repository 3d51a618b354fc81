//! Migrations run, are reverted, and run again, on both databases.

use auth_graph::cli::Failure;
use auth_graph_migrations::Migrator;
use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTrait;

use crate::support::TestApp;

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

/// The newer version is started while this one still serves.
#[tokio::test]
async fn after_a_migration_by_a_newer_version_this_one_serves_but_does_not_start() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_newer', 0)";
    db.execute_unprepared(newer).await.unwrap();
    let ready = engine::readiness(&test.app).await;
    assert_eq!(ready, engine::Readiness { database: true, migrations: true, keys: true });
    for refused in [store::migrate(db).await, store::migrate_down(db, 1).await] {
        let why = refused.unwrap_err().to_string();
        assert!(why.contains("m20990101_000001_newer") && why.contains("newer version"), "{why}");
    }
    assert_eq!(store::pending_migrations(db).await.unwrap(), 0, "nothing was taken back");
    let refused = Failure::from(store::migrate(db).await.unwrap_err()).to_string();
    assert!(refused.contains("hint: `auth-graph migrate --down"), "{refused}");
}

#[tokio::test]
async fn checking_for_pending_migrations_creates_no_table() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    db.execute_unprepared("DROP TABLE seaql_migrations").await.unwrap();
    assert_eq!(store::pending_migrations(db).await.unwrap(), Migrator::migrations().len());
    db.execute_unprepared("SELECT version FROM seaql_migrations").await.unwrap_err();
}
