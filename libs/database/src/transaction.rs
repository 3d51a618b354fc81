//! Transactions that write.

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

/// Begins a transaction that may write.
///
/// On SQLite it takes the write lock at once. A transaction that reads first and writes later fails, whatever the busy
/// timeout is, if another one wrote in between.
///
/// The transaction is begun in a task of its own, which continues if the caller is cancelled. On PostgreSQL sqlx 0.9.0
/// does not know of a transaction until the answer to `BEGIN` has arrived, and would return the connection to the pool
/// with the transaction still open (launchbadge/sqlx#4393).
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

/// Returns true if a transaction that may write waits for the end of every other one.
#[must_use]
pub fn has_one_writer(db: &DatabaseConnection) -> bool {
    db.get_database_backend() == DbBackend::Sqlite
}
