//! A window of rows in a list that is sorted by identifier.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect, QueryTrait, Select};

/// The requested rows of a list: those between two identifiers, up to a number, from one end.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Identifier after which the rows start.
    pub after: Option<Uuid>,
    /// Identifier before which the rows end.
    pub before: Option<Uuid>,
    /// End from which the rows are taken.
    pub direction: Direction,
    /// Maximum number of rows.
    pub limit: u64,
}

/// The end of a list from which rows are taken. The rows keep the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The first ones.
    Forward,
    /// The last ones.
    Backward,
}

/// The last second of the year 9999.
const LAST: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("it is a time");

/// Limits a time of a caller to the years in which stored times lie. PostgreSQL rejects some years outside of this
/// range, and SQLite compares times as text.
pub(super) fn comparable(time: DateTimeUtc) -> DateTimeUtc {
    time.clamp(DateTime::UNIX_EPOCH, LAST)
}

/// Returns the rows of a window in a list that starts with the latest row.
pub(super) async fn latest_first<E: EntityTrait>(
    db: &impl ConnectionTrait,
    query: Select<E>,
    id: E::Column,
    window: Window,
) -> Result<Vec<E::Model>, DbErr> {
    let query = query
        .apply_if(window.after, |query, after| query.filter(id.lt(after)))
        .apply_if(window.before, |query, before| query.filter(id.gt(before)))
        .limit(window.limit);
    match window.direction {
        Direction::Forward => query.order_by_desc(id).all(db).await,
        Direction::Backward => {
            let mut found = query.order_by_asc(id).all(db).await?;
            found.reverse();
            Ok(found)
        }
    }
}
