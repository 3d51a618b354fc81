//! Changes on their way from the stream to the mirror. It is bounded: when the mirror falls behind, what waits is
//! dropped, and the mirror reads it page by page from where it is. The stream never waits, as revocations are in it
//! too.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::documents::Change;

const CAPACITY: usize = 4096;

/// The changes that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: VecDeque<Change>,
    /// Everything from some moment on is here, in order.
    complete: bool,
}

impl Queue {
    /// Adds what the stream brought.
    pub(super) fn push(&self, change: Change) {
        let mut waiting = self.lock();
        if waiting.complete && waiting.changes.len() < CAPACITY {
            // Of markers that follow each other only the last one says something.
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

    /// The stream has lost its place.
    pub(super) fn interrupt(&self) {
        *self.lock() = Waiting::default();
        self.arrived.notify_one();
    }

    /// Keeps what arrives from now on. Whoever calls this must then read what came before.
    pub(super) fn start(&self) {
        *self.lock() = Waiting { changes: VecDeque::new(), complete: true };
    }

    /// All that waits, at least one; none when something was dropped.
    pub(super) async fn take(&self) -> Option<Vec<Change>> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.lock();
                if !waiting.complete {
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
