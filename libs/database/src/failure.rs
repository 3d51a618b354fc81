//! Failures of a database: temporary ones, and descriptions without passwords.

use std::borrow::Cow;
use std::error::Error;

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::sqlite::SqliteError;
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Message about a connection that a pooler shares between clients.
pub(crate) const SHARED: &str = "the connection is shared between clients";

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

/// Returns whether a file of SQLite could not be opened because another connection locks it. SQLite does not wait for a
/// change of the journal mode.
pub(crate) fn is_busy(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(cause)) = error else { return false };
    let refusal = cause.as_database_error().and_then(|refusal| refusal.try_downcast_ref::<SqliteError>());
    refusal.and_then(DatabaseError::code).is_some_and(|code| code == "5")
}

/// Returns whether another transaction is the cause of an error: the database has rolled this one back for it (class
/// 40), or a lock was not free in time (class 55). The same work can succeed when it is repeated.
#[must_use]
pub fn is_conflict(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.find_map(|cause| cause.downcast_ref()).and_then(postgres_code).is_some_and(|code| {
        // After 40003, nobody knows whether the transaction was committed.
        (code.starts_with("40") || code.starts_with("55")) && code != "40003"
    })
}

/// Returns the code of an error that PostgreSQL has reported (manual, appendix A).
fn postgres_code(error: &DbErr) -> Option<Cow<'_, str>> {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return None;
    };
    cause.as_database_error().filter(|refusal| refusal.try_downcast_ref::<SqliteError>().is_none())?.code()
}

/// Returns whether a statement of PostgreSQL has waited for a lock for longer than its `lock_timeout`.
pub(crate) fn is_lock_timeout(error: &DbErr) -> bool {
    postgres_code(error).is_some_and(|code| code == "55P03")
}

/// Returns the reason why a database could not be opened, for the operator who configured it. It contains no URL.
#[must_use]
pub fn describe_connect_error(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error)) if matches!(**error, sqlx::Error::PoolTimedOut) => {
            "no connection was opened in time; is the server running?".to_owned()
        }
        DbErr::Conn(RuntimeErr::SqlxError(error))
            if error.as_database_error().is_some_and(|error| error.message() == SHARED) =>
        {
            "a pooler gives its connections to others between transactions: let it keep them for a session \
             (pool_mode = session of PgBouncer), or use the address of PostgreSQL itself"
                .to_owned()
        }
        // The text of the error repeats the URL, which may contain a password.
        DbErr::Conn(RuntimeErr::Internal(_)) => "it is not the URL of a database".to_owned(),
        // Reasons of `check_url`.
        DbErr::Custom(reason) => reason.clone(),
        error => error.to_string(),
    }
}
