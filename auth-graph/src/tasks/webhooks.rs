//! Tells the endpoints of webhooks, each at its own pace.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use engine::app::App;
use engine::webhooks::{self, Progress};
use model::error::{Error, Result};
use model::values::WebhookId;

/// However quiet it is, deliveries are looked for this often: one that failed may be due.
const AT_MOST: Duration = Duration::from_secs(2);

pub(super) async fn run(app: App) -> Result<()> {
    // Endpoints with a running delivery: one that does not answer delays no other.
    let mut busy = HashSet::new();
    let mut at_work = JoinSet::new();
    loop {
        // A query that fails does not end running deliveries.
        let with_work = webhooks::with_work(&app).await.unwrap_or_else(|error| {
            tracing::error!(error = errors::explain(&error), "the endpoints could not be looked through");
            Vec::new()
        });
        for webhook in with_work {
            if busy.insert(webhook) {
                let app = app.clone();
                at_work.spawn(alone(webhook, async move { tell(&app, webhook).await }));
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

/// Does what is to be done for one endpoint, and returns which one it was. A panic would end the telling of all others.
async fn alone(webhook: WebhookId, work: impl Future<Output = ()>) -> WebhookId {
    // What is shared with the others is whole all the same: it is in the database.
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        // The message and the place were printed when it happened.
        tracing::error!(%webhook, "telling an endpoint panicked and is tried again");
        tokio::time::sleep(AT_MOST).await;
    }
    webhook
}

/// Tells one endpoint, and waits where trying again at once would be of no use.
async fn tell(app: &App, webhook: WebhookId) {
    match webhooks::deliver(app, webhook).await {
        Ok(Progress::UpToDate) => {}
        Ok(Progress::TakenByAnother) => tokio::time::sleep(AT_MOST).await,
        Err(error) => {
            tracing::error!(%webhook, error = errors::explain(&error), "an endpoint could not be told");
            tokio::time::sleep(AT_MOST).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_panic_over_one_endpoint_is_none_over_the_others() {
        let [broken, good] =
            [1, 2].map(|second| WebhookId::generate(DateTime::UNIX_EPOCH + chrono::Duration::seconds(second)));
        let mut at_work = JoinSet::new();
        at_work.spawn(alone(broken, async { panic!("this endpoint") }));
        at_work.spawn(alone(good, async {}));
        assert_eq!(at_work.join_next().await.unwrap().unwrap(), good);
        assert_eq!(at_work.join_next().await.unwrap().unwrap(), broken, "it is known to be free for another try");
    }
}
