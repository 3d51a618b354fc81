//! A database that answers and accepts no changes.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

/// Returns whether PostgreSQL accepts no changes: it is a standby, or was made read-only. SQLite has no such state; a
/// file that cannot be written is refused at the start.
///
/// # Errors
/// When the database does not answer.
pub async fn is_read_only(db: &DatabaseConnection) -> Result<bool, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(false);
    }
    let ask = Statement::from_string(DbBackend::Postgres, "SELECT current_setting('transaction_read_only') = 'on'");
    let Some(row) = db.query_one_raw(ask).await? else { return Ok(false) };
    row.try_get_by_index(0)
}
