//! The change feed of auth-graph, followed in the background: sessions that end there are refused here within
//! milliseconds, and the mirror holds every user, also those who never came.
//!
//! [`AuthGraph::run_feed`] is one task for each process. What arrives is read in `listener`, how the mirror takes it over
//! in `applier`. Without the task everything else works as well: revocations are then noticed when a token ends.

#[cfg(feature = "sea-orm")]
mod applier;
mod backoff;
mod documents;
mod events;
mod listener;
mod queue;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::AuthGraph;
use crate::error::{Code, Error};
use backoff::Backoff;
#[cfg(feature = "sea-orm")]
pub(crate) use documents::UserSnapshot;
use queue::Queue;

/// What a service does with a good token while its feed is older than a bound: whether the token's session was ended
/// meanwhile is not known then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaleFeed {
    /// Serve: the token ends by itself within minutes.
    #[default]
    Serve,
    /// Ask auth-graph about each token, once the feed is older than this; `UNAVAILABLE` when it can not be asked.
    AskRemote(Duration),
    /// Refuse with `UNAVAILABLE`, once the feed is older than this.
    Refuse(Duration),
}

/// What is known of the feed in this process.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    queue: Queue,
    /// When the feed was known to be complete, in microseconds of the clock, plus one; 0: never.
    current_at: AtomicU64,
    moves: watch::Sender<u64>,
}

impl AuthGraph {
    /// Follows the change feed until `stop` is ready. Spawn it once for each process: revocations reach every replica of
    /// a service, and of those that share a database one writes the mirror. It reconnects by itself, and goes on where
    /// it was.
    ///
    /// # Errors
    /// `INTERNAL` when no service client was configured.
    pub async fn run_feed(&self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        if !self.has_service_client() {
            let fix = "the feed needs a service client: pass one to AuthGraphBuilder::service_client";
            return Err(Error::new(Code::Internal).with_source(fix));
        }
        let listening = supervised("listener", || listener::listen(self.clone()));
        #[cfg(feature = "sea-orm")]
        let holder = uuid::Uuid::new_v4().to_string();
        #[cfg(feature = "sea-orm")]
        let applying = supervised("applier", || applier::apply(self.clone(), holder.clone()));
        #[cfg(not(feature = "sea-orm"))]
        let applying = std::future::pending::<()>();
        tokio::select! {
            () = listening => {}
            () = applying => {}
            () = stop => {}
        }
        #[cfg(feature = "sea-orm")]
        if let Some(mirror) = self.mirror() {
            mirror.give_back(&holder).await?;
        }
        Ok(())
    }

    /// Time passed since this process last knew of everything that had happened at auth-graph; absent before the first
    /// time.
    #[must_use]
    pub fn feed_age(&self) -> Option<Duration> {
        let current_at = self.feed().current_at.load(Ordering::Acquire).checked_sub(1)?;
        Some(self.clock().elapsed().saturating_sub(Duration::from_micros(current_at)))
    }

    /// Waits until something has arrived by the feed since the last call with this number, and returns the next one.
    /// Start with 0. For tests, and for services that wait for their first users.
    pub async fn feed_moved(&self, seen: u64) -> u64 {
        let mut moves = self.feed().moves.subscribe();
        // The sender lives as long as this does.
        moves.wait_for(|moves| *moves > seen).await.map_or(seen, |moves| *moves)
    }
}

impl Feed {
    /// Something has happened that somebody may wait for.
    pub(crate) fn moved(&self) {
        self.moves.send_modify(|moves| *moves += 1);
    }

    /// Everything that was recorded until then is known. What was long on its way is as old as that; clocks that are
    /// apart by less than the leeway do not count.
    fn was_current(&self, recorded_at: DateTime<Utc>, auth: &AuthGraph) {
        let late = (auth.clock().now() - recorded_at).to_std().unwrap_or_default();
        let late = if late > auth.leeway() { late } else { Duration::ZERO };
        let current_at = auth.clock().elapsed().saturating_sub(late);
        self.current_at.fetch_max(u64::try_from(current_at.as_micros()).unwrap_or(0) + 1, Ordering::AcqRel);
    }
}

/// Runs a task that should not end, and again when it panics: a hook of the service may. It ends with this future.
async fn supervised<F>(name: &str, start: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut backoff = Backoff::default();
    loop {
        let mut tasks = JoinSet::new();
        tasks.spawn(start());
        let ended = tasks.join_next().await;
        tracing::error!(task = name, ended = ?ended, "a task of the feed has ended and is started again");
        backoff.pause().await;
    }
}
