//! The client service and its database: a newer version at the same database, and pending migrations.

use axum::body::Body;
use client_graph::Clock;
use client_graph::service::{App, Config, Sources, router};
use client_graph::testing::TestIssuer;
use futures_util::future::try_join_all;
use sea_orm::ConnectionTrait;

use crate::support::{TestDatabase, ask, get};

fn config(issuer: &TestIssuer, database: &TestDatabase) -> Config {
    let address = |key: &str, url: &str| (key.to_owned(), url.to_owned());
    let mut flags = vec![address("auth.url", issuer.url()), address("database.url", &database.url)];
    flags.extend(database.settings());
    Config::load(&Sources { flags, ..Sources::default() }).unwrap()
}

/// The newer version is started while this one still serves. This one starts again, unless the newer one has removed
/// something.
#[tokio::test]
async fn beside_a_newer_version_this_one_serves_and_starts_unless_the_database_was_contracted() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let config = config(&issuer, &database);
    let app = App::boot(config.clone(), Clock::default()).await.unwrap();
    let record = async |newer: &str| {
        let insert = format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{newer}', 0)");
        database.open().await.execute_unprepared(&insert).await.unwrap();
    };
    record("m20990101_000001_newer").await;
    assert_eq!(ask(&router(&app), get("/readyz").body(Body::empty()).unwrap()).await.status, 200);
    App::boot(config.clone(), Clock::default()).await.unwrap();
    record("m20990101_000002_newer_contract").await;
    let why = App::boot(config, Clock::default()).await.unwrap_err().to_string();
    assert!(why.contains("m20990101_000002_newer_contract") && why.contains("newer version"), "{why}");
}

/// Each replica takes the lock on the connection that creates the tables, because there is only one connection here.
#[tokio::test]
async fn replicas_that_start_together_create_the_tables_in_turn() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let mut config = config(&issuer, &database);
    config.database.max_connections = 1;
    try_join_all((0..4).map(|_| App::boot(config.clone(), Clock::default()))).await.unwrap();
}

#[tokio::test]
async fn checking_for_pending_migrations_creates_no_table() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let app = App::boot(config(&issuer, &database), Clock::default()).await.unwrap();
    let db = database.open().await;
    db.execute_unprepared("DROP TABLE seaql_migrations").await.unwrap();
    assert_eq!(ask(&router(&app), get("/readyz").body(Body::empty()).unwrap()).await.status, 503);
    db.execute_unprepared("SELECT version FROM seaql_migrations").await.unwrap_err();
}
