//! Migrations go up, down, and up again, on both databases.

use auth_graph::store;
use auth_graph_migrations::Migrator;
use sea_orm_migration::MigratorTrait;

use crate::support::TestApp;

fn all() -> u32 {
    u32::try_from(Migrator::migrations().len()).unwrap()
}

#[tokio::test]
async fn migrations_go_up_and_down_and_up_again() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    assert_eq!(store::pending_migrations(db).await.unwrap(), 0);
    store::migrate_down(db, all()).await.unwrap();
    assert_eq!(store::pending_migrations(db).await.unwrap(), Migrator::migrations().len());
    store::migrate(db).await.unwrap();
    assert_eq!(store::pending_migrations(db).await.unwrap(), 0);
    test.create_user("ada@test.com").await;
}

#[tokio::test]
async fn replicas_that_migrate_at_once_take_turns() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    store::migrate_down(db, all()).await.unwrap();
    let all = futures_util::future::join_all((0..4).map(|_| store::migrate(db))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}
