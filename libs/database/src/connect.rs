//! Opening a database: the options of the pool, of SQLite and of PostgreSQL.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::sqlx::postgres::PgPoolOptions;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr, sqlx};
use secrecy::{ExposeSecret, SecretString};

use crate::failure::{SHARED, is_busy};
use crate::sqlite_file::create_private;
use crate::url::check_url;

/// Time to wait for a connection of the pool, and on SQLite for the write lock.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before the next attempt to open a file that another process locks.
const PAUSE: Duration = Duration::from_millis(20);
/// Time after which the server gives up a client that acknowledges nothing.
const GONE_AFTER: Duration = Duration::from_secs(10);
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

/// Bounds that PostgreSQL enforces on each connection, so that a process that stands still cannot hold others up.
///
/// SQLite has no use for them: its one writer is another process on the same machine.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Longest duration of a statement.
    pub statement: Duration,
    /// Longest wait for a lock. The statement then fails as [unavailable](crate::is_unavailable).
    pub lock: Duration,
    /// Longest pause between two statements of a transaction. The server then ends the connection, which releases the
    /// locks.
    pub idle_in_transaction: Duration,
}

impl Bounds {
    /// Returns the statement that sets them (PostgreSQL manual, sections 19.3.2 and 19.11.1). It is run after
    /// connecting, because PgBouncer refuses most startup parameters.
    ///
    /// The TCP settings make the server find out within some 10 seconds that the machine of a client has gone, which
    /// releases its locks too. They do nothing on a socket of Unix.
    fn to_sql(self) -> String {
        let Self { statement, lock, idle_in_transaction } = self;
        let in_milliseconds = [
            ("statement_timeout", statement),
            ("lock_timeout", lock),
            ("idle_in_transaction_session_timeout", idle_in_transaction),
            ("tcp_user_timeout", GONE_AFTER),
        ];
        let bounds = in_milliseconds.map(|(name, bound)| format!("SET {name} = {}; ", bound.as_millis()));
        bounds.concat() + "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
    }
}

/// Opens a database. A file of SQLite is created if it is missing, readable for its owner only. Migrations are run by
/// [`Migrations`](crate::Migrations).
///
/// # Errors
/// When the URL has an unknown parameter, no connection can be opened within 5 seconds, or a pooler gives the
/// connections to others between transactions. The text of the error can contain the URL with its password: see
/// [`describe_connect_error`](crate::describe_connect_error).
pub async fn connect(
    url: &SecretString,
    max_connections: u32,
    commits: Commits,
    bounds: Bounds,
) -> Result<DatabaseConnection, DbErr> {
    check_url(url.expose_secret()).map_err(DbErr::Custom)?;
    create_private(url.expose_secret());
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
        .map_sqlx_sqlite_pool_opts(without_open_transactions)
        .map_sqlx_postgres_pool_opts(move |pool| with_bounds(pool, bounds));
    let started = Instant::now();
    let db = loop {
        match Database::connect(options.clone()).await {
            // Another process creates the file at this moment.
            Err(error) if is_busy(&error) && started.elapsed() < TIMEOUT => tokio::time::sleep(PAUSE).await,
            connected => break connected?,
        }
    };
    if db.get_database_backend() == DbBackend::Postgres {
        refuse_shared_sessions(db.get_postgres_connection_pool()).await.map_err(failed)?;
    }
    Ok(db)
}

/// Fails if another client changes the settings of a connection, as with PgBouncer in transaction mode: statements that
/// were prepared, the bounds and `LISTEN` belong to a connection.
async fn refuse_shared_sessions(pool: &PgPool) -> Result<(), sqlx::Error> {
    let is_ours = format!(
        "DO $$ BEGIN
            IF current_setting('connection.owner', true) IS DISTINCT FROM 'first' THEN
                RAISE EXCEPTION '{SHARED}' USING ERRCODE = 'feature_not_supported';
            END IF;
        END $$"
    );
    let mut first = pool.acquire().await?;
    let mut second = PgConnection::connect_with(&pool.connect_options()).await?;
    first.execute("SET connection.owner = 'first'").await?;
    second.execute("SET connection.owner = 'second'").await?;
    // It is made of a constant alone.
    first.execute(AssertSqlSafe(is_ours)).await?;
    second.close().await
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

fn with_bounds(pool: PgPoolOptions, bounds: Bounds) -> PgPoolOptions {
    pool.after_connect(move |connection, _| {
        // It is made of numbers alone.
        let set = AssertSqlSafe(bounds.to_sql());
        Box::pin(async move { connection.execute(set).await.map(drop) })
    })
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
