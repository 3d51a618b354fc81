//! A migration of a table with a million users, while others log in and a report holds a lock.
//!
//! It takes a minute and half a gigabyte, and runs on PostgreSQL when `MILLION_USERS` is set, as `make chaos` does.

use std::time::{Duration, Instant};

use auth_graph_migrations::Migrator;
use database::Migrations;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sea_orm_migration::prelude::*;
use store::indexes;

use crate::support::{PASSWORD, TestApp};

const USERS: i64 = 1_000_000;
/// Time for which the report reads the table: the migration gives way once at least.
const REPORT: Duration = Duration::from_secs(4);
/// Longest time that a log-in may take meanwhile.
const PATIENCE: Duration = Duration::from_secs(3);

/// The migrations of a newer version.
struct Newer;

impl MigratorTrait for Newer {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = Migrator::migrations();
        migrations.push(Box::new(AddColumns));
        migrations
    }
}

/// A migration of the kinds that ADR 57 allows for a table with rows.
struct AddColumns;

impl MigrationName for AddColumns {
    fn name(&self) -> &str {
        "m20990101_000001_newer"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddColumns {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = "ALTER TABLE users ADD COLUMN newer text, ADD COLUMN newest boolean NOT NULL DEFAULT false";
        manager.get_connection().execute_unprepared(columns).await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_users_are_migrated_while_a_report_reads_them_and_others_log_in() {
    if std::env::var_os("MILLION_USERS").is_none() {
        return;
    }
    let test = TestApp::with(|config| {
        config.database.idle_in_transaction_timeout = Duration::from_secs(600);
        config.database.statement_timeout = Duration::from_secs(600);
    })
    .await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let ada = test.create_user("ada@test.com").await;
    // Every column is that of the first user, except for what is unique.
    let columns = "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = 'users' AND column_name NOT IN ('id', 'email')";
    let columns = Statement::from_string(DbBackend::Postgres, columns);
    let columns: String = test.app.db.query_one_raw(columns).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    let fill = format!(
        "INSERT INTO users (id, email, {columns})
        SELECT gen_random_uuid(), 'user' || number || '@example.com', {columns}
        FROM users CROSS JOIN generate_series(1, {USERS}) AS numbers(number)"
    );
    test.app.db.execute_unprepared(&fill).await.unwrap();
    let newer = test.replica().await;
    let report = store::begin(&newer.db).await.unwrap();
    report.execute_unprepared("SELECT count(*) FROM users").await.unwrap();
    let migrating = newer.db.clone();
    let migrating = tokio::spawn(async move {
        Migrations { service: "auth-graph", lock: 1, can_undo: true }.run::<Newer>(&migrating).await.unwrap();
        indexes::build(&migrating).await.unwrap()
    });
    let (start, mut report, mut longest) = (Instant::now(), Some(report), Duration::ZERO);
    let mut during_report = 0;
    while !migrating.is_finished() {
        if start.elapsed() > REPORT
            && let Some(report) = report.take()
        {
            report.rollback().await.unwrap();
        }
        during_report += u32::from(report.is_some());
        let asked = Instant::now();
        test.anonymous().login("ada@test.com", PASSWORD).await.data("login");
        longest = longest.max(asked.elapsed());
    }
    assert!(report.is_none(), "the migration did not wait for the report");
    assert_eq!(migrating.await.unwrap(), 5, "indexes");
    println!(
        "the longest log-in took {longest:?}, {during_report} ran beside the report, {:?} in all",
        start.elapsed()
    );
    assert!(longest < PATIENCE, "{longest:?}");
    assert!(store::users::find(&test.app.db, ada.id).await.unwrap().is_some());
}
