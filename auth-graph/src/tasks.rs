//! Supervised background work: a task that fails or panics is logged and restarted.

mod follow;
mod housekeeping;
mod indexes;
mod mail;
mod rotation;
mod search_keys;
mod webhooks;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use engine::app::App;
use model::error::Result;

/// The running tasks, which end when this value is dropped.
#[derive(Debug)]
pub struct Tasks(JoinSet<()>);

impl Tasks {
    /// Ends all tasks now.
    pub fn abort_all(mut self) {
        self.0.abort_all();
    }
}

/// Starts all tasks.
#[must_use]
pub fn spawn(app: &App) -> Tasks {
    let mut tasks = JoinSet::new();
    tasks.spawn(supervise("follow", app.clone(), follow::run));
    tasks.spawn(supervise("housekeeping", app.clone(), housekeeping::run));
    tasks.spawn(supervise("indexes", app.clone(), indexes::run));
    tasks.spawn(supervise("mail", app.clone(), mail::run));
    tasks.spawn(supervise("rotation", app.clone(), rotation::run));
    tasks.spawn(supervise("search keys", app.clone(), search_keys::run));
    tasks.spawn(supervise("webhooks", app.clone(), webhooks::run));
    Tasks(tasks)
}

async fn supervise<P, F>(name: &'static str, parts: P, work: impl Fn(P) -> F)
where
    P: Clone,
    F: Future<Output = Result<()>>,
{
    const PAUSE: Duration = Duration::from_secs(1);
    loop {
        // A panic leaves no broken state, because a task keeps nothing between runs.
        match AssertUnwindSafe(work(parts.clone())).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = errors::explain(&error);
                tracing::error!(task = name, error, "a task failed and is restarted");
            }
            // The panic hook has printed the message and the location.
            Err(_) => tracing::error!(task = name, "a task panicked and is restarted"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_restarted() {
        let runs = Arc::new(AtomicUsize::new(0));
        let work = async |runs: Arc<AtomicUsize>| {
            assert!(runs.fetch_add(1, Ordering::Relaxed) > 0, "the first run panics");
            std::future::pending().await
        };
        let supervised = supervise("test", runs.clone(), work);
        assert!(tokio::time::timeout(Duration::from_secs(5), supervised).await.is_err());
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }
}
