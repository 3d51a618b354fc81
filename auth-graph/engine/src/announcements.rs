//! Changes that this process has read from the outbox, sent to every subscriber of the feed: a thousand subscribers
//! cost one query.
//!
//! The sender never waits. A slow subscriber misses announcements and reads the outbox again, so the memory is bounded.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::broadcast::{self, Receiver, Sender};

use store::{changes, users};

/// Maximum number of announcements that a subscriber may lag behind.
const CAPACITY: usize = 1024;

/// A message to the subscribers.
#[derive(Clone, Debug)]
pub enum Announcement {
    /// A change that was read.
    Change(Arc<Announced>),
    /// There was no change beyond this position at this time.
    Current(i64, DateTime<Utc>),
}

/// A change, with the user that it is about.
#[derive(Debug)]
pub struct Announced {
    /// The change.
    pub change: changes::Model,
    /// The user as they were when the change was read; `None` for a change that is not about a user.
    pub user: Option<users::Model>,
}

/// The channel to the subscribers.
#[derive(Debug)]
pub struct Announcements(Sender<Announcement>);

impl Announcements {
    /// Creates a channel without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self(Sender::new(CAPACITY))
    }

    /// Sends the announcement to every subscriber, if there are any.
    pub fn publish(&self, announcement: Announcement) {
        // Sending fails when there are no subscribers.
        let _ = self.0.send(announcement);
    }

    /// Subscribes to everything that is announced from now on.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<Announcement> {
        self.0.subscribe()
    }

    /// Returns the number of subscribers.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.0.receiver_count()
    }
}

impl Default for Announcements {
    fn default() -> Self {
        Self::new()
    }
}

/// The reasons for which a subscriber's wait ends without an announcement.
pub use broadcast::error::RecvError;
