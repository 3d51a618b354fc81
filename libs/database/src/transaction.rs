//! Transactions that write.

use std::error::Error;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::failure::is_conflict;

/// Begins a transaction that may write.
///
/// On SQLite it takes the write lock at once. Otherwise a transaction that reads first and writes later would fail when
/// another transaction writes in between, independent of the busy timeout.
///
/// A separate task begins the transaction, and continues if the caller is cancelled. On PostgreSQL, sqlx 0.9.0 does not
/// know about a transaction until the answer to `BEGIN` has arrived, and would return the connection to the pool with
/// the transaction still open (launchbadge/sqlx#4393).
///
/// # Errors
/// When no connection is available.
pub async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options =
        TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    let db = db.clone();
    let begun = tokio::spawn(async move { db.begin_with_options(options).await });
    begun.await.map_err(|failure| DbErr::Custom(failure.to_string()))?
}

/// Does work in a transaction that may write, and commits it. An error of the work rolls everything back.
///
/// If another transaction was in the way ([`is_conflict`]), a copy of the work is done once more. The work therefore
/// does nothing that a rollback does not undo: no call over the network, and no announcement to the rest of the
/// process.
///
/// # Errors
/// When no connection is available, the commit fails, or the work does.
pub async fn transaction<T, E: From<DbErr> + Error + 'static>(
    db: &DatabaseConnection,
    work: impl AsyncFnOnce(&DatabaseTransaction) -> Result<T, E> + Clone,
) -> Result<T, E> {
    repeat_on_conflict(async || {
        let txn = begin(db).await?;
        let done = work(&txn).await?;
        txn.commit().await?;
        Ok(done)
    })
    .await
}

/// Does work, and does a copy of it once more if another transaction was in the way ([`is_conflict`]). For a single
/// statement, and for a transaction that [`transaction`] cannot run.
///
/// # Errors
/// When the work fails.
pub async fn repeat_on_conflict<T, E: Error + 'static>(
    work: impl AsyncFnOnce() -> Result<T, E> + Clone,
) -> Result<T, E> {
    match work.clone()().await {
        Err(error) if is_conflict(&error) => {}
        done => return done,
    }
    work().await
}

/// Lets the statements of a transaction take as long as they need, for work on whole tables.
///
/// # Errors
/// When the database fails.
pub async fn without_statement_timeout(txn: &DatabaseTransaction) -> Result<(), DbErr> {
    if txn.get_database_backend() == DbBackend::Postgres {
        txn.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    }
    Ok(())
}

/// Returns whether only one transaction at a time can write.
#[must_use]
pub fn has_one_writer(db: &DatabaseConnection) -> bool {
    db.get_database_backend() == DbBackend::Sqlite
}
