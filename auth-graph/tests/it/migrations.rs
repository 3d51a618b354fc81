//! Migrations go up, down, and up again, on both databases.

use auth_graph::store;

use crate::support::TestApp;

#[tokio::test]
async fn migrations_go_up_and_down_and_up_again() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    assert_eq!(store::pending_migrations(db).await.unwrap(), 0);
    store::migrate_down(db, 7).await.unwrap();
    assert_eq!(store::pending_migrations(db).await.unwrap(), 7);
    store::migrate(db).await.unwrap();
    assert_eq!(store::pending_migrations(db).await.unwrap(), 0);
    test.create_user("ada@test.com").await;
}

#[tokio::test]
async fn replicas_that_migrate_at_once_take_turns() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    store::migrate_down(db, 7).await.unwrap();
    // SQLite is one process's database: there the replicas are the operator's commands, one at a time.
    let copies = if db.get_database_backend() == sea_orm::DbBackend::Postgres { 4 } else { 1 };
    let all = futures_util::future::join_all((0..copies).map(|_| store::migrate(db))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}
