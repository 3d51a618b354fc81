//! A mirror without a database: it holds the users while the process runs, and reads them all anew when it starts.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use uuid::Uuid;

use super::deletion::Deletion;
use super::place::{Batch, Place};
use super::row::{Row, newest};
use super::{MirroredUser, UserId};

/// The users, and how far the feed was followed.
#[derive(Debug, Default)]
pub(super) struct Memory {
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    rows: HashMap<Uuid, Row>,
    place: Place,
}

impl Memory {
    pub(super) fn user(&self, id: UserId) -> Option<MirroredUser> {
        self.read().rows.get(&id.0).cloned().and_then(Row::present)
    }

    pub(super) fn place(&self) -> Place {
        self.read().place.clone()
    }

    pub(super) fn write(&self, batch: Batch, deletion: Deletion) {
        self.write_in(&mut self.lock(), batch, deletion);
    }

    pub(super) fn write_and_advance(&self, batch: Batch, place: &Place, deletion: Deletion) {
        let mut held = self.lock();
        self.write_in(&mut held, batch, deletion);
        held.place = place.clone();
    }

    fn write_in(&self, held: &mut Held, batch: Batch, deletion: Deletion) {
        let rows = newest(batch.rows);
        if let Some(stretch) = batch.complete {
            for known in held.rows.values_mut() {
                let listed = rows.binary_search_by_key(&known.id(), Row::id).is_ok();
                let settled = known.deleted_at.is_none() && known.user.mirrored_at < stretch.settled();
                if !listed && settled && stretch.contains(known.id()) {
                    *known = deletion.bury(known, known.of_missing(stretch.since));
                }
            }
        }
        for row in rows {
            match held.rows.entry(row.id()) {
                Entry::Vacant(place) => drop(place.insert(row)),
                Entry::Occupied(mut place) if place.get().user.version < row.user.version => {
                    let row = if row.deleted_at.is_some() { deletion.bury(place.get(), row) } else { row };
                    place.insert(row);
                }
                Entry::Occupied(_) => {}
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}
