//! The progress of the mirror along the feed, and the lease to advance it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::Row;

/// A row that was written this short a time before the reading of all users, or later, may be missing among them: the
/// user is newer than the page, and the clocks of replicas differ. auth-graph is asked about each of these.
const MARGIN: TimeDelta = TimeDelta::seconds(10);

/// Progress along the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeedProgress {
    /// Cursor from which the feed continues; absent before the first snapshot.
    pub(crate) cursor: Option<String>,
    /// Progress through the snapshots; absent when all were copied.
    pub(crate) snapshots: Option<SnapshotProgress>,
}

/// Progress through the users, which are read in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotProgress {
    /// Time when the first page was read.
    pub(crate) since: DateTime<Utc>,
    /// Cursor of the next page; absent before the first one.
    pub(crate) after: Option<String>,
    /// The last user of the page before.
    pub(crate) last: Option<Uuid>,
}

/// The right to advance the progress, for a limited time.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "sea-orm"), expect(dead_code, reason = "a lease is about a database that is shared"))]
pub(crate) struct Lease<'a> {
    pub(crate) holder: &'a str,
    pub(crate) now: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

/// The rows that are written in one transaction.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Users, in any order and any number of times.
    pub(crate) rows: Vec<Row>,
    /// The range of ids in which these are all the users that exist.
    pub(crate) complete: Option<IdRange>,
    /// Users in that range about whom auth-graph was asked, and who do not exist.
    pub(crate) gone: Vec<Uuid>,
}

impl Batch {
    /// Returns a batch of rows that says nothing about other users.
    pub(crate) fn of(rows: Vec<Row>) -> Self {
        Self { rows, complete: None, gone: Vec::new() }
    }
}

/// A range of user ids, read at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdRange {
    /// The id before the first one; absent for a range from the start.
    pub(crate) after: Option<Uuid>,
    /// The last id; absent for a range to the end.
    pub(crate) through: Option<Uuid>,
    /// Time when the reading of the users began.
    pub(crate) since: DateTime<Utc>,
}

impl IdRange {
    /// Returns the time before which a row must have been written to count as deleted when it is missing.
    pub(super) fn settled(&self) -> DateTime<Utc> {
        self.since - MARGIN
    }

    pub(super) fn contains(&self, id: Uuid) -> bool {
        self.after.is_none_or(|after| id > after) && self.through.is_none_or(|through| id <= through)
    }
}
