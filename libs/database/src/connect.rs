//! Opens a database, with the options of the pool and of SQLite.

use std::time::Duration;

use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use secrecy::{ExposeSecret, SecretString};

/// Time to wait for a connection of the pool, and on SQLite for the write lock.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is tested before it is used.
const TEST_AFTER: Duration = Duration::from_secs(30);

/// Durability of commits on SQLite. PostgreSQL has a setting of its own, and groups commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// A commit waits for the disk. A response that was sent, and a change that readers of an outbox have seen, survive
    /// a power failure.
    Durable,
    /// A commit does not wait for the disk. The last commits can be lost in a power failure.
    Relaxed,
}

/// Opens a database. A file of SQLite is created if it is missing. Migrations are run by
/// [`Migrations`](crate::Migrations).
///
/// # Errors
/// When no connection can be opened within 5 seconds. The text of the error can contain the URL with its password: see
/// [`describe_connect_error`](crate::describe_connect_error).
pub async fn connect(url: &SecretString, max_connections: u32, commits: Commits) -> Result<DatabaseConnection, DbErr> {
    let synchronous = match commits {
        Commits::Durable => SqliteSynchronous::Full,
        Commits::Relaxed => SqliteSynchronous::Normal,
    };
    let mut options = ConnectOptions::new(url.expose_secret());
    options
        .max_connections(max_connections)
        .acquire_timeout(TIMEOUT)
        .test_before_acquire_if_idle_for(TEST_AFTER)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
                .busy_timeout(TIMEOUT)
                .foreign_keys(true)
        })
        .map_sqlx_sqlite_pool_opts(without_open_transactions);
    Database::connect(options).await
}

/// Closes connections that are still within a transaction when they return to the pool.
///
/// When a write fails because the disk is full, SQLite rolls the transaction back by itself. sqlx 0.9.0 still counts
/// it: the next transactions of the connection become savepoints that are never committed. They lock out all other
/// writers, and answered changes are lost when the process ends.
fn without_open_transactions(pool: SqlitePoolOptions) -> SqlitePoolOptions {
    pool.after_release(|connection, _| {
        Box::pin(async move {
            if connection.is_in_transaction() {
                // A transaction that was dropped is rolled back before the answer to this ping.
                connection.ping().await?;
            }
            Ok(!connection.is_in_transaction())
        })
    })
}
