//! The changes between the stream and the mirror. The queue is bounded: when the mirror is too slow, the queue is
//! emptied, and the mirror reads page by page from its last position. The stream never waits, because it carries
//! revocations too.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::documents::Change;

const CAPACITY: usize = 4096;

/// The changes that the mirror has not taken.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: VecDeque<Change>,
    /// Holds every change since [`Queue::start`], in order.
    is_complete: bool,
}

impl Queue {
    /// Adds a change of the stream.
    pub(super) fn push(&self, change: Change) {
        let mut waiting = self.lock();
        if waiting.is_complete && waiting.changes.len() < CAPACITY {
            // Of consecutive markers the last one is enough.
            if change.user.is_none() && waiting.changes.back().is_some_and(|last| last.user.is_none()) {
                waiting.changes.pop_back();
            }
            waiting.changes.push_back(change);
        } else {
            *waiting = Waiting::default();
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Empties the queue: the stream has missed changes.
    pub(super) fn interrupt(&self) {
        *self.lock() = Waiting::default();
        self.arrived.notify_one();
    }

    /// Starts to keep what arrives. The caller must read all earlier changes after this call.
    pub(super) fn start(&self) {
        *self.lock() = Waiting { changes: VecDeque::new(), is_complete: true };
    }

    /// Waits for at least one change and takes all; none when changes were dropped.
    pub(super) async fn take(&self) -> Option<Vec<Change>> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.lock();
                if !waiting.is_complete {
                    return None;
                }
                if !waiting.changes.is_empty() {
                    return Some(waiting.changes.drain(..).collect());
                }
            }
            arrived.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
