//! How far the mirror has followed the feed, and the right to move on.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::Row;

/// A row that was written so shortly before all users were read may be missing among them, as the clocks of replicas
/// are apart, and is not taken for deleted.
const MARGIN: TimeDelta = TimeDelta::seconds(10);

/// How far the mirror is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where the feed is to be followed from; absent before the first snapshot.
    pub(crate) cursor: Option<String>,
    /// How far the snapshots were taken over; absent when all were.
    pub(crate) snapshots: Option<Snapshots>,
}

/// How far the users were read, which come in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshots {
    /// When the first page was read.
    pub(crate) since: DateTime<Utc>,
    /// Where the next page starts; absent before the first one.
    pub(crate) after: Option<String>,
    /// The last user of the page before.
    pub(crate) last: Option<Uuid>,
}

/// The right to move the place, for a while.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "sea-orm"), expect(dead_code, reason = "a lease is about a database that is shared"))]
pub(crate) struct Lease<'a> {
    pub(crate) holder: &'a str,
    pub(crate) now: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

/// What is written together.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Users, in any order and any number of times.
    pub(crate) rows: Vec<Row>,
    /// Where these are all the users that there are.
    pub(crate) complete: Option<Stretch>,
}

/// A stretch of the ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// It begins behind this one; absent: with the first.
    pub(crate) after: Option<Uuid>,
    /// It ends with this one; absent: with the last.
    pub(crate) through: Option<Uuid>,
    /// When the users were begun to be read.
    pub(crate) since: DateTime<Utc>,
}

impl Stretch {
    /// Rows that were written before this must be among the users, or their users are gone.
    pub(super) fn settled(&self) -> DateTime<Utc> {
        self.since - MARGIN
    }

    /// Whether an id lies in it.
    pub(super) fn contains(&self, id: Uuid) -> bool {
        self.after.is_none_or(|after| id > after) && self.through.is_none_or(|through| id <= through)
    }
}
