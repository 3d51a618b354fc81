//! Reading the outbox: changes are numbered in the order of the commits and without a gap, so that a reader who asks
//! "after this position" misses nothing.
//!
//! A number that is given when a row is written, as by an autoincrement column, would not do: of two transactions, the
//! one with the higher number may commit first. PostgreSQL therefore writes changes without a position, and whoever
//! reads the outbox first numbers those that have committed since. Writers do not wait for each other, and many changes
//! are numbered at once. On SQLite a transaction numbers its own changes, as there is one at a time.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, Statement};

use crate::changes::Model;
use crate::{change_head, changes, unique};

/// Channel on which PostgreSQL tells every replica that changes were numbered.
pub(crate) const CHANNEL: &str = "auth_graph_changes";

/// Number of changes that are numbered at once.
const BATCH: u32 = 1000;

/// Returns the last position. Every change that was committed before the call is at this position or before it.
pub async fn last(db: &DatabaseConnection) -> Result<i64, DbErr> {
    loop {
        let (position, is_whole) = position(db).await?;
        if is_whole {
            return Ok(position);
        }
        number(db).await?;
    }
}

/// Returns the changes after a position, in order.
pub async fn after(db: &DatabaseConnection, position: i64, limit: u64) -> Result<Vec<Model>, DbErr> {
    if last(db).await? <= position {
        return Ok(Vec::new());
    }
    changes::after(db, position, limit).await
}

/// Returns the last position that was given, and whether every committed change has one.
async fn position(db: &DatabaseConnection) -> Result<(i64, bool), DbErr> {
    const ASK: &str = "SELECT position, NOT EXISTS (SELECT 1 FROM changes WHERE changes.position IS NULL) \
        FROM change_head WHERE id = 1";
    if db.get_database_backend() == DbBackend::Postgres {
        let Some(row) = db.query_one_raw(Statement::from_string(DbBackend::Postgres, ASK)).await? else {
            return Ok((0, true));
        };
        return Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    }
    let head = unique(change_head::Entity::find_by_id(1), db).await?;
    Ok((head.map_or(0, |head| head.position), true))
}

/// Numbers the changes that have committed, and tells every replica.
///
/// It is one statement for the server, so that a process that stands still does not hold the lock. Within the block
/// each statement sees what was committed before it, and therefore what others have numbered while this one waited for
/// the lock. Changes of one user are numbered in their order, as a transaction writes its change while it holds the row
/// of the user.
async fn number(db: &DatabaseConnection) -> Result<(), DbErr> {
    let block = format!(
        "DO $$
        DECLARE head bigint;
        BEGIN
            SELECT position INTO head FROM change_head WHERE id = 1 FOR UPDATE;
            WITH fresh AS (
                SELECT written, row_number() OVER (ORDER BY written) AS place
                FROM (SELECT written FROM changes WHERE position IS NULL ORDER BY written LIMIT {BATCH}) AS oldest
            ), numbered AS (
                UPDATE changes SET position = head + fresh.place FROM fresh WHERE changes.written = fresh.written
                RETURNING 1
            )
            UPDATE change_head SET position = head + (SELECT count(*) FROM numbered) WHERE id = 1;
            PERFORM pg_notify('{CHANNEL}', '');
        END $$"
    );
    db.execute_unprepared(&block).await.map(drop)
}
