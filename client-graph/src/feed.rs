//! The change feed of auth-graph, followed in the background: sessions that end there are refused here within
//! milliseconds, and the mirror holds every user, also those who never came.
//!
//! [`AuthGraph::run_feed`] is one task for each process. What arrives is read in `listener`, how the mirror takes it
//! over in `applier`. Without the task everything else works as well: revocations are then noticed when a token ends.

mod applier;
mod backoff;
mod documents;
mod events;
mod freshness;
mod listener;
mod queue;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::AuthGraph;
use crate::error::{Code, Error};
use backoff::Backoff;
pub(crate) use documents::UserSnapshot;
pub use freshness::FeedStatus;
pub(crate) use freshness::Freshness;
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
#[derive(Debug)]
pub(crate) struct Feed {
    queue: Queue,
    freshness: Arc<Freshness>,
    moves: watch::Sender<u64>,
    /// Whether the stream brings something.
    is_streaming: AtomicBool,
}

impl AuthGraph {
    /// Follows the change feed until `stop` is ready. Spawn it once for each process: revocations reach every replica
    /// of a service, and of those that share a database one writes the mirror. It reconnects by itself, and goes on
    /// where it was.
    ///
    /// Let `stop` come when the service stops, and wait for this to return: that gives the mirror to the next process
    /// at once. With a `stop` that never comes, the mirror is held until that runs out, and after each restart of the
    /// service nobody writes it for up to 19 seconds.
    ///
    /// # Errors
    /// `INTERNAL` when no service client was configured.
    pub async fn run_feed(&self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        if !self.has_service_client() {
            let fix = "the feed needs a service client: pass one to AuthGraphBuilder::service_client";
            return Err(Error::new(Code::Internal).with_source(fix));
        }
        let listening = supervised("listener", || listener::listen(self.clone()));
        let holder = uuid::Uuid::new_v4().to_string();
        let applying = supervised("applier", || applier::apply(self.clone(), holder.clone()));
        tokio::select! {
            () = listening => {}
            () = applying => {}
            () = stop => {}
        }
        if let Some(mirror) = self.mirror() {
            mirror.give_back(&holder).await?;
        }
        Ok(())
    }

    /// Time passed since this process last knew of everything that had happened at auth-graph; absent before the first
    /// time.
    #[must_use]
    pub fn feed_age(&self) -> Option<Duration> {
        self.feed().freshness.age()
    }

    /// How well this process knows what happened at auth-graph, for metrics and alarms.
    #[must_use]
    pub fn feed_status(&self) -> FeedStatus {
        self.feed().freshness.status()
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
    pub(crate) fn new(freshness: Arc<Freshness>) -> Self {
        Self {
            queue: Queue::default(),
            freshness,
            moves: watch::Sender::default(),
            is_streaming: AtomicBool::default(),
        }
    }

    /// Something has happened that somebody may wait for.
    pub(crate) fn moved(&self) {
        self.moves.send_modify(|moves| *moves += 1);
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
