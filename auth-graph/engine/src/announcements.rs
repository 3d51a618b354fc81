//! What this process has read from the outbox, told to every subscriber of the feed: a thousand of them cost one query.
//!
//! Nobody is waited for. Who is slow misses announcements and reads the outbox again; so the memory is bounded.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::broadcast::{self, Receiver, Sender};

use store::{changes, users};

/// How many announcements a subscriber may be behind.
const CAPACITY: usize = 1024;

/// What is announced.
#[derive(Clone, Debug)]
pub enum Announcement {
    /// A change that was read.
    Change(Arc<Announced>),
    /// There was nothing beyond this position at this time.
    Current(i64, DateTime<Utc>),
    /// The process stops.
    Stopping,
}

/// A change, with the user that it is about.
#[derive(Debug)]
pub struct Announced {
    /// The change.
    pub change: changes::Model,
    /// The user as they were when it was read; none for what is not about a user.
    pub user: Option<users::Model>,
}

/// Tells the subscribers.
#[derive(Debug)]
pub struct Announcements(Sender<Announcement>);

impl Announcements {
    /// Without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self(Sender::new(CAPACITY))
    }

    /// Tells every subscriber, if there are any.
    pub fn tell(&self, announcement: Announcement) {
        // It fails when nobody listens.
        let _ = self.0.send(announcement);
    }

    /// Everything that is announced from now on.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<Announcement> {
        self.0.subscribe()
    }

    /// How many listen.
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

/// How a subscriber's wait can end without an announcement.
pub use broadcast::error::RecvError;
