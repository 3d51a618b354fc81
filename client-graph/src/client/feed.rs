//! Following the feed, as methods of [`AuthGraph`].

use std::sync::Arc;
use std::time::Duration;

use super::AuthGraph;
use crate::error::Error;
use crate::feed::{self, Follower};
use crate::freshness::FeedStatus;

impl AuthGraph {
    /// Follows the change feed until `stop` is ready. Spawn one such task for each process: revocations reach every
    /// replica of a service, and of the replicas that share a database one writes the mirror. The task reconnects by
    /// itself, and continues from its last position.
    ///
    /// Make `stop` ready when the service stops, and wait for this to return: the next process can write the mirror at
    /// once then. If the process ends without it, no replica writes the mirror for up to 19 seconds.
    ///
    /// From this call on, and until it has read which sessions have ended, the process asks auth-graph about each
    /// token, unless [`StaleFeed`](crate::StaleFeed) says to refuse it. Call it before you serve, and serve once
    /// [`feed_status`](Self::feed_status) is no longer [`FeedState::Starting`](crate::FeedState::Starting).
    ///
    /// # Errors
    /// `INTERNAL` when no service client is configured.
    pub fn run_feed<F: Future<Output = ()>>(&self, stop: F) -> impl Future<Output = Result<(), Error>> + use<F> {
        let follower = self.inner.remote.has_service_client().then(|| self.follower());
        async move {
            let fix = "the feed needs a service client: pass one to AuthGraphBuilder::service_client";
            let follower = follower.ok_or_else(|| Error::misused(fix))?;
            feed::run(follower, stop).await
        }
    }

    fn follower(&self) -> Follower {
        self.inner.feed.freshness.starts();
        Follower {
            remote: Arc::clone(&self.inner.remote),
            mirror: self.inner.mirror.clone(),
            revoked: Arc::clone(&self.inner.revoked),
            keys: self.inner.verifier.keys().clone(),
            feed: Arc::clone(&self.inner.feed),
            clock: self.inner.clock.clone(),
            leeway: self.inner.expectation.leeway,
        }
    }

    /// Returns the time passed since this process last knew every change at auth-graph; none before the first time.
    #[must_use]
    pub fn feed_age(&self) -> Option<Duration> {
        self.inner.feed.freshness.age()
    }

    /// Returns how recent this process's knowledge of auth-graph is, for metrics and alarms.
    #[must_use]
    pub fn feed_status(&self) -> FeedStatus {
        self.inner.feed.freshness.status()
    }

    /// Waits until the feed has brought something since the call that returned `seen`, and returns the next number.
    /// Start with 0. For tests, and for services that wait for their first users.
    pub async fn feed_moved(&self, seen: u64) -> u64 {
        self.inner.feed.moved_after(seen).await
    }
}
