//! The service's own database: how it is opened, and its migrations.

use std::error::Error;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr, Statement, sqlx,
};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use secrecy::ExposeSecret;

use super::config::Config;
use super::notes;
use crate::mirror;

/// Any number that nobody else locks.
const MIGRATION_LOCK: i64 = 0x636c_6965_6e74_6772;

/// The migrations of this service, oldest first: the mirror's table is there before tables refer to it.
pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = mirror::migrations();
        migrations.push(Box::new(notes::Migration));
        migrations
    }
}

/// Opens the database.
pub(super) async fn connect(config: &Config) -> Result<DatabaseConnection, Box<dyn Error + Send + Sync>> {
    let url = config.database_url()?;
    let mut options = ConnectOptions::new(url.expose_secret());
    options
        .max_connections(config.database.max_connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
        })
        .map_sqlx_sqlite_pool_opts(database::without_open_transactions);
    // It says which database, without its URL: that may hold a password.
    let place = match config.database.url.expose_secret() {
        "" => config.database_file().display().to_string(),
        _ => "database.url".to_owned(),
    };
    Database::connect(options).await.map_err(|error| match error {
        DbErr::Conn(RuntimeErr::SqlxError(error)) if matches!(*error, sqlx::Error::PoolTimedOut) => {
            format!("{place}: no connection within 5 seconds; does the server run?").into()
        }
        error => format!("{place}: {error}").into(),
    })
}

/// Brings the tables up to date, in one transaction. Of several replicas that start at once, one does it and the others
/// wait.
pub(super) async fn migrate(db: &DatabaseConnection) -> Result<(), DbErr> {
    // SQLite has no other lock than that of its one writer, which this takes.
    let txn = mirror::database::begin(db).await?;
    if txn.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
        txn.execute_raw(Statement::from_string(DbBackend::Postgres, lock)).await?;
    }
    refuse_newer(&txn).await?;
    Migrator::up(&txn, None).await?;
    txn.commit().await
}

/// How many migrations are still to be run: see [`database::pending_migrations`].
pub(super) async fn pending_migrations(db: &DatabaseConnection) -> Result<usize, DbErr> {
    database::pending_migrations::<Migrator>(db).await
}

async fn refuse_newer(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    match database::unknown_migration::<Migrator>(db).await? {
        None => Ok(()),
        Some(newer) => Err(DbErr::Migration(format!(
            "a newer version of client-graph has been at this database ({newer} is not known here): start that one"
        ))),
    }
}
