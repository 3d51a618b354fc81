//! A part of a list in the order of its identifiers, and the times between which it lies.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect, QueryTrait, Select};

/// Which rows of a list: those strictly between two of them, so many from one end.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Behind this one.
    pub after: Option<Uuid>,
    /// In front of this one.
    pub before: Option<Uuid>,
    /// From which end.
    pub direction: Direction,
    /// At most so many.
    pub limit: u64,
}

/// From which end of a list; either way the rows stay in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The first ones.
    Forward,
    /// The last ones.
    Backward,
}

/// The last second of the years that have four digits.
const LAST: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("it is a time");

/// A time that somebody else has named, to be compared with those of rows. Nothing that is stored lies outside of these
/// years; PostgreSQL refuses to compare with some of them, and SQLite compares the texts.
pub(super) fn comparable(time: DateTimeUtc) -> DateTimeUtc {
    time.clamp(DateTime::UNIX_EPOCH, LAST)
}

/// Returns the rows within a window of a list that begins with the latest.
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
