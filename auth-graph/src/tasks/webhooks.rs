//! Sends deliveries to webhook endpoints, to each one independently of the others.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use engine::app::App;
use engine::webhooks::{self, Progress};
use model::error::{Error, Result};
use model::values::WebhookId;

/// Maximum time between two searches for deliveries, because a failed one may be due.
const AT_MOST: Duration = Duration::from_secs(2);

pub(super) async fn run(app: App) -> Result<()> {
    // Endpoints with running deliveries. An endpoint that does not answer delays no other endpoint.
    let mut busy = HashSet::new();
    let mut at_work = JoinSet::new();
    loop {
        // A query that fails does not end running deliveries.
        let with_work = webhooks::with_work(&app).await.unwrap_or_else(|error| {
            tracing::error!(error = errors::explain(&error), "the endpoints with deliveries could not be read");
            Vec::new()
        });
        for webhook in with_work {
            if busy.insert(webhook) {
                let app = app.clone();
                at_work.spawn(supervised(webhook, async move { deliver(&app, webhook).await }));
            }
        }
        tokio::select! {
            Some(ended) = at_work.join_next() => {
                busy.remove(&ended.map_err(Error::internal)?);
            }
            () = app.webhooks.waiting.notified() => {}
            () = tokio::time::sleep(AT_MOST) => {}
        }
    }
}

/// Runs the work for one endpoint, and returns its identifier. A panic is caught, so that it does not end the work for
/// other endpoints.
async fn supervised(webhook: WebhookId, work: impl Future<Output = ()>) -> WebhookId {
    // A panic leaves no broken state, because shared state is in the database.
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        // The panic hook has printed the message and the location.
        tracing::error!(%webhook, "delivering to an endpoint panicked and is tried again");
        tokio::time::sleep(AT_MOST).await;
    }
    webhook
}

/// Sends the deliveries to one endpoint, and waits when an immediate further attempt would fail.
async fn deliver(app: &App, webhook: WebhookId) {
    match webhooks::deliver(app, webhook).await {
        Ok(Progress::UpToDate) => {}
        Ok(Progress::TakenByAnother) => tokio::time::sleep(AT_MOST).await,
        Err(error) => {
            tracing::error!(%webhook, error = errors::explain(&error), "deliveries to an endpoint failed");
            tokio::time::sleep(AT_MOST).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_panic_for_one_endpoint_does_not_affect_the_others() {
        let [broken, good] =
            [1, 2].map(|second| WebhookId::generate(DateTime::UNIX_EPOCH + chrono::Duration::seconds(second)));
        let mut at_work = JoinSet::new();
        at_work.spawn(supervised(broken, async { panic!("this endpoint") }));
        at_work.spawn(supervised(good, async {}));
        assert_eq!(at_work.join_next().await.unwrap().unwrap(), good);
        assert_eq!(
            at_work.join_next().await.unwrap().unwrap(),
            broken,
            "its identifier is returned, so that it is tried again"
        );
    }
}
