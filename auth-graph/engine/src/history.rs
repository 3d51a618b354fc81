//! The history of the outbox as this process knows it: see [`crate::feed`].

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, Utc};

/// Minimum time in seconds between two reports of lost changes.
const REPORT_EVERY: i64 = 60;

/// The history that cursors name.
#[derive(Debug, Default)]
pub struct History {
    id: AtomicU64,
    reported_at: AtomicI64,
}

impl History {
    /// Returns the random number that cursors carry.
    pub(crate) fn id(&self) -> u64 {
        self.id.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, id: u64) {
        self.id.store(id, Ordering::Release);
    }

    /// Returns whether lost changes may be reported: once a minute.
    pub(crate) fn may_report(&self, now: DateTime<Utc>) -> bool {
        let (now, last) = (now.timestamp(), self.reported_at.load(Ordering::Relaxed));
        let may = now - last >= REPORT_EVERY || now < last;
        if may {
            self.reported_at.store(now, Ordering::Relaxed);
        }
        may
    }
}
