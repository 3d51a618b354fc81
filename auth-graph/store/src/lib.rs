//! The database: how it is opened, and one module for each table with its entity and its finders.
//!
//! Finders start from the query that hides what must be hidden (deleted users, for one). A function that gets a
//! transaction uses nothing else, as SQLite has a single writer. Rules of the product are in `auth`, not here.

pub mod audit_events;
pub mod change_head;
pub mod changes;

pub mod imports;
pub mod leases;
pub mod login_events;
pub mod mails;
pub mod one_time_tokens;
pub mod rate_limits;
pub mod revoked_tokens;
pub mod service_clients;
pub mod sessions;
pub mod signing_keys;
pub mod user_credentials;
pub mod user_numbers;
pub mod users;
mod wake;
pub mod webhook_deliveries;
pub mod webhooks;
pub mod window;

use std::time::Duration;

use auth_graph_migrations::Migrator;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    RuntimeErr, Select, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, sqlx,
};
use sea_orm_migration::MigratorTrait;
use secrecy::{ExposeSecret, SecretString};

pub use wake::Wake;

/// Any number that nobody else locks.
const MIGRATION_LOCK: i64 = 0x6175_7468_6772_6170;

/// How long a commit takes on SQLite. PostgreSQL has a setting of its own, and lets commits wait together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Waits for the disk: an answer that was sent, and a change that readers of the outbox saw, survive a power cut.
    Durable,
    /// Does not wait: the last commits can be lost in a power cut.
    Relaxed,
}

/// Opens the database and brings nothing up to date: see [`migrate`].
///
/// # Errors
/// When it can not be reached.
pub async fn connect(url: &SecretString, max_connections: u32, commits: Commits) -> Result<DatabaseConnection, DbErr> {
    let synchronous = match commits {
        Commits::Durable => SqliteSynchronous::Full,
        Commits::Relaxed => SqliteSynchronous::Normal,
    };
    let mut options = ConnectOptions::new(url.expose_secret());
    options
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
        })
        .map_sqlx_sqlite_pool_opts(database::without_open_transactions);
    Database::connect(options).await
}

/// Why a database could not be opened, in words for whoever has named it.
#[must_use]
pub fn why_not_opened(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error)) if matches!(**error, sqlx::Error::PoolTimedOut) => {
            "there was no connection in time; does the server run?".to_owned()
        }
        // It would repeat the URL, and a password with it.
        DbErr::Conn(RuntimeErr::Internal(_)) => "it is no URL of a database".to_owned(),
        error => error.to_string(),
    }
}

/// Begins a transaction that may write.
///
/// On SQLite it takes the write lock at once: one that reads first and writes later fails when another wrote in
/// between, whatever the busy timeout.
///
/// It is begun by a task of its own, which goes on when the caller goes away: on PostgreSQL sqlx 0.9.0 does not know of
/// a transaction until the answer to `BEGIN` has come, and would give the connection to the next one with the
/// transaction still open (launchbadge/sqlx#4393).
///
/// # Errors
/// When no connection can be had.
pub async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options =
        TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    let db = db.clone();
    let begun = tokio::spawn(async move { db.begin_with_options(options).await });
    begun.await.map_err(|failure| DbErr::Custom(failure.to_string()))?
}

/// Whether a transaction that may write waits for the end of every other.
#[must_use]
pub fn has_one_writer(db: &DatabaseConnection) -> bool {
    db.get_database_backend() == DbBackend::Sqlite
}

/// The row of a query that finds one at most: by its key, or by another unique column.
///
/// For these in the place of sea-orm's `one`, which adds a bound `LIMIT`: whenever it is given one, SQLite plans the
/// statement anew, and that takes longer than to run it.
///
/// # Errors
/// When the database fails.
async fn unique<E: EntityTrait>(query: Select<E>, db: &impl ConnectionTrait) -> Result<Option<E::Model>, DbErr> {
    Ok(query.all(db).await?.pop())
}

/// Brings the tables up to date, in one transaction. Of several replicas that start at once, one does it and the others
/// wait.
///
/// # Errors
/// When a migration fails, or a newer version has run some that are not known here; nothing has changed then.
pub async fn migrate(db: &DatabaseConnection) -> Result<(), DbErr> {
    let txn = begin_migration(db).await?;
    refuse_newer(&txn).await?;
    Migrator::up(&txn, None).await?;
    txn.commit().await
}

/// Takes the last migrations back.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_down(db: &DatabaseConnection, steps: u32) -> Result<(), DbErr> {
    let txn = begin_migration(db).await?;
    refuse_newer(&txn).await?;
    Migrator::down(&txn, Some(steps)).await?;
    txn.commit().await
}

async fn begin_migration(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let txn = begin(db).await?;
    if txn.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
        txn.execute_raw(Statement::from_string(DbBackend::Postgres, lock)).await?;
    }
    Ok(txn)
}

/// How many migrations are still to be run: see [`database::pending_migrations`].
///
/// # Errors
/// When the database can not be read.
pub async fn pending_migrations(db: &DatabaseConnection) -> Result<usize, DbErr> {
    database::pending_migrations::<Migrator>(db).await
}

async fn refuse_newer(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    match database::unknown_migration::<Migrator>(db).await? {
        None => Ok(()),
        Some(newer) => Err(DbErr::Migration(format!(
            "a newer version of auth-graph has been at this database ({newer} is not known here): start that one, or \
             take its migrations back with its `auth-graph migrate --down`"
        ))),
    }
}
