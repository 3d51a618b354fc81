//! The state of the feed in this process, and what its tasks work with.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Notify, watch};

use super::documents::Revocation;
use super::queue::Queue;
use crate::clock::Clock;
use crate::freshness::Freshness;
use crate::mirror::Mirror;
use crate::operations::Remote;
use crate::revocation::Revoked;
use crate::verifier::Keys;

/// The state of the feed in this process.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(super) queue: Queue,
    pub(crate) freshness: Freshness,
    moves: watch::Sender<u64>,
    /// Notified when the keys may have changed at auth-graph.
    pub(super) keys_changed: Notify,
    /// Holds whether the stream is open and has brought a change.
    pub(super) is_streaming: AtomicBool,
}

/// The parts of a service that follow the feed.
#[derive(Clone)]
pub(crate) struct Follower {
    pub(crate) remote: Arc<Remote>,
    pub(crate) mirror: Option<Mirror>,
    pub(crate) revoked: Arc<Revoked>,
    pub(crate) keys: Keys,
    pub(crate) feed: Arc<Feed>,
    pub(crate) clock: Clock,
    pub(crate) leeway: Duration,
}

impl Feed {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            queue: Queue::default(),
            freshness: Freshness::new(clock),
            moves: watch::Sender::default(),
            keys_changed: Notify::default(),
            is_streaming: AtomicBool::default(),
        }
    }

    /// Notifies those who wait for the feed.
    pub(super) fn moved(&self) {
        self.moves.send_modify(|moves| *moves += 1);
    }

    /// Waits until more has arrived than this number says, and returns the new number.
    pub(crate) async fn moved_after(&self, seen: u64) -> u64 {
        let mut moves = self.moves.subscribe();
        // The sender lives as long as this does.
        moves.wait_for(|moves| *moves > seen).await.map_or(seen, |moves| *moves)
    }
}

impl Follower {
    /// Refuses the tokens of a revocation from now on.
    pub(super) fn revoke(&self, revocation: Revocation) {
        let until = revocation.until + TimeDelta::from_std(self.leeway).unwrap_or_default();
        let now = self.clock.now();
        if let Some(session) = revocation.session_id {
            self.revoked.revoke_session(session, until, now);
        }
        if let Some(token) = revocation.token_id {
            self.revoked.revoke_token(token, until, now);
        }
    }
}
