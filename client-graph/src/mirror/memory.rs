//! A mirror without a database. It holds the users while the process runs, and reads them again when it starts.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use uuid::Uuid;

use super::deletion::Deletion;
use super::progress::{Batch, FeedProgress, IdRange};
use super::row::{Row, newest};
use super::user::MirroredUser;
use crate::ids::UserId;

/// The users, and the progress along the feed.
#[derive(Debug, Default)]
pub(super) struct Memory {
    content: RwLock<Content>,
}

#[derive(Debug, Default)]
struct Content {
    rows: HashMap<Uuid, Row>,
    progress: FeedProgress,
}

impl Memory {
    pub(super) fn user(&self, id: UserId) -> Option<MirroredUser> {
        self.read().rows.get(&id.0).cloned().and_then(Row::present)
    }

    pub(super) fn progress(&self) -> FeedProgress {
        self.read().progress.clone()
    }

    /// Returns the users in a range who are not among those present, and whose rows may be newer than these.
    pub(super) fn unsettled(&self, range: &IdRange, present: &[Uuid]) -> Vec<Uuid> {
        let is_unsettled = |row: &&Row| {
            let is_newer = row.deleted_at.is_none() && row.user.mirrored_at >= range.settled();
            is_newer && range.contains(row.id()) && !present.contains(&row.id())
        };
        self.read().rows.values().filter(is_unsettled).map(Row::id).collect()
    }

    pub(super) fn write(&self, batch: Batch, deletion: Deletion) {
        self.write_in(&mut self.lock(), batch, deletion);
    }

    pub(super) fn write_and_advance(&self, batch: Batch, progress: &FeedProgress, deletion: Deletion) {
        let mut content = self.lock();
        self.write_in(&mut content, batch, deletion);
        content.progress = progress.clone();
    }

    fn write_in(&self, content: &mut Content, batch: Batch, deletion: Deletion) {
        let rows = newest(batch.rows);
        if let Some(range) = batch.complete {
            for known in content.rows.values_mut() {
                let listed = rows.binary_search_by_key(&known.id(), Row::id).is_ok();
                let settled = known.user.mirrored_at < range.settled() || batch.gone.contains(&known.id());
                if !listed && settled && known.deleted_at.is_none() && range.contains(known.id()) {
                    *known = deletion.apply(known, known.of_missing(range.since));
                }
            }
        }
        for row in rows {
            match content.rows.entry(row.id()) {
                Entry::Vacant(entry) => drop(entry.insert(row)),
                Entry::Occupied(mut entry) if entry.get().user.version < row.user.version => {
                    let row = if row.deleted_at.is_some() { deletion.apply(entry.get(), row) } else { row };
                    entry.insert(row);
                }
                Entry::Occupied(_) => {}
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }
}
