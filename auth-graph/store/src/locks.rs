//! Locks for work that reads before it writes, when there is no row to lock. On SQLite every transaction that writes
//! has the only lock.

use sea_orm::{ConnectionTrait, Value};
use sea_orm::{DatabaseTransaction, DbBackend, DbErr, Statement};

/// What is locked: an advisory lock of PostgreSQL, whose number no other program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Lock {
    /// The signing keys.
    SigningKeys = 0x6175_7468_6b65_7973,
    /// The partitions of events.
    Months = 0x6175_7468_6d6f_6e74,
    /// Who is a superuser.
    Superusers = 0x6175_7468_7375_7065,
}

/// Waits for everybody else who has the lock, and keeps it until the transaction ends.
pub async fn lock(txn: &DatabaseTransaction, lock: Lock) -> Result<(), DbErr> {
    if txn.get_database_backend() == DbBackend::Postgres {
        let number = Value::from(lock as i64);
        let lock = "SELECT pg_advisory_xact_lock($1)";
        txn.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, lock, [number])).await?;
    }
    Ok(())
}
