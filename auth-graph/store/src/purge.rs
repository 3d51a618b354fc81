//! Deleting rows that are no longer needed, in batches.

use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};

/// Number of rows that one statement deletes.
const BATCH: u64 = 1000;

/// Deletes the rows that fulfil a condition, in the order of their key. Returns their number.
///
/// Each batch is a statement of its own: it locks few rows for a short time, and a stop in between loses nothing. On
/// PostgreSQL it leaves out rows that others have locked, so that it waits for nobody and no deadlock is possible. They
/// are deleted the next time.
pub(crate) async fn in_batches<E: EntityTrait>(
    db: &impl ConnectionTrait,
    key: E::Column,
    outdated: Condition,
) -> Result<u64, DbErr> {
    let mut batch = E::find().select_only().column(key).filter(outdated).order_by_asc(key).limit(BATCH);
    if db.get_database_backend() == DbBackend::Postgres {
        batch = batch.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let mut total = 0;
    loop {
        let of_batch = key.in_subquery(batch.clone().into_query());
        let deleted = E::delete_many().filter(of_batch).exec(db).await?.rows_affected;
        total += deleted;
        if deleted < BATCH {
            return Ok(total);
        }
    }
}
