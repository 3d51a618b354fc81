//! The change feed of auth-graph, followed in the background: sessions that end there are refused here within
//! milliseconds, and the mirror holds every user, also those who never visited this service.
//!
//! `listener` reads the stream, `applier` writes the mirror, `keys` fetches the public keys when they have changed.
//! Everything else works without the feed as well: revocations then take effect when a token expires.

mod applier;
mod documents;
mod events;
mod follower;
mod keys;
mod listener;
mod queue;

use std::time::Duration;

use tokio::task::JoinSet;

use crate::error::Error;
use crate::retry::Backoff;
pub(crate) use follower::{Feed, Follower};

/// Policy for good tokens while the feed is older than a bound. Whether the token's session has ended is unknown then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaleFeed {
    /// Accepts the token, which expires by itself within minutes.
    #[default]
    Serve,
    /// Asks auth-graph about each token once the feed is older than this; `UNAVAILABLE` when it cannot be asked.
    AskRemote(Duration),
    /// Refuses each token with `UNAVAILABLE` once the feed is older than this.
    Refuse(Duration),
}

/// Follows the feed until `stop` is ready, and then hands the mirror over to another replica.
pub(crate) async fn run(follower: Follower, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let holder = uuid::Uuid::new_v4().to_string();
    let listening = supervised("listener", || listener::listen(follower.clone()));
    let applying = supervised("applier", || applier::apply(follower.clone(), holder.clone()));
    let keeping = supervised("keys", || keys::keep(follower.clone()));
    tokio::select! {
        () = listening => {}
        () = applying => {}
        () = keeping => {}
        () = stop => {}
    }
    match follower.mirror {
        Some(mirror) => mirror.release_lease(&holder).await,
        None => Ok(()),
    }
}

/// Runs a task that should not end, and starts it again when it panics, as a hook of the service may. The task ends
/// with this future.
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
