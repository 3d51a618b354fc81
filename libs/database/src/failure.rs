//! Failures of a database: temporary ones, and descriptions without passwords.

use sea_orm::sqlx::sqlite::SqliteError;
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Returns true if the database cannot answer now and can later: a connection was lost, the server shuts down, another
/// transaction holds the lock for too long or won a deadlock, or the disk is full.
#[must_use]
pub fn is_unavailable(error: &DbErr) -> bool {
    let cause = match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return true,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => &**cause,
        _ => return false,
    };
    let sqlx::Error::Database(refusal) = cause else {
        return matches!(cause, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed);
    };
    let code = refusal.code().unwrap_or_default();
    match refusal.try_downcast_ref::<SqliteError>() {
        // The lowest byte is the kind: SQLITE_BUSY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN.
        Some(_) => matches!(code.parse::<i32>().map(|code| code & 0xff), Ok(5 | 10 | 13 | 14)),
        // The first two characters are the kind (PostgreSQL manual, appendix A): connections, a transaction that was
        // rolled back for another one, resources, a lock, an operator, the machine. 25006 means that another server
        // accepts the writes now, 25P03 that the transaction stood still for too long.
        None => ["08", "40", "53", "55", "57", "58", "25006", "25P03"].iter().any(|kind| code.starts_with(kind)),
    }
}

/// Returns whether a statement of PostgreSQL has waited for a lock for longer than its `lock_timeout`.
pub(crate) fn is_lock_timeout(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    cause.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "55P03")
}

/// Returns the reason why a database could not be opened, for the operator who configured it. It contains no URL.
#[must_use]
pub fn describe_connect_error(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error)) if matches!(**error, sqlx::Error::PoolTimedOut) => {
            "no connection was opened in time; is the server running?".to_owned()
        }
        // The text of the error repeats the URL, which may contain a password.
        DbErr::Conn(RuntimeErr::Internal(_)) => "it is not the URL of a database".to_owned(),
        error => error.to_string(),
    }
}
