//! Background work, supervised: a task that fails is logged and starts over.

mod follow;
mod housekeeping;
mod mail;
mod rotation;
mod webhooks;

use std::time::Duration;

use tokio::task::JoinSet;

use crate::app::App;
use crate::error::Result;

/// The running tasks; they end when this is dropped.
#[derive(Debug)]
pub struct Tasks(JoinSet<()>);

impl Tasks {
    /// Ends them now.
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
    tasks.spawn(supervise("mail", app.clone(), mail::run));
    tasks.spawn(supervise("rotation", app.clone(), rotation::run));
    tasks.spawn(supervise("webhooks", app.clone(), webhooks::run));
    Tasks(tasks)
}

async fn supervise<F: Future<Output = Result<()>>>(name: &'static str, app: App, work: impl Fn(App) -> F) {
    const PAUSE: Duration = Duration::from_secs(1);
    loop {
        if let Err(error) = work(app.clone()).await {
            tracing::error!(task = name, error = &error as &dyn std::error::Error, "a task failed and starts over");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
