//! Tells the endpoints of webhooks, each at its own pace.

use std::collections::HashSet;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::app::App;
use crate::auth::webhooks::{self, Told};
use crate::error::{Error, Result};
use crate::values::WebhookId;

/// However quiet it is, deliveries are looked for this often: one that failed may be due.
const AT_MOST: Duration = Duration::from_secs(2);

pub(super) async fn run(app: App) -> Result<()> {
    // Those that are being told: one that does not answer keeps no other waiting.
    let mut busy = HashSet::new();
    let mut at_work = JoinSet::new();
    loop {
        // A look that fails is no reason to break off what is being told.
        let with_work = webhooks::with_work(&app).await.unwrap_or_else(|error| {
            tracing::error!(error = serving::explain(&error), "the endpoints could not be looked through");
            Vec::new()
        });
        for webhook in with_work {
            if busy.insert(webhook) {
                let app = app.clone();
                at_work.spawn(async move {
                    tell(&app, webhook).await;
                    webhook
                });
            }
        }
        tokio::select! {
            Some(ended) = at_work.join_next() => {
                busy.remove(&ended.map_err(Error::internal)?);
            }
            () = app.webhooks_wait.notified() => {}
            () = tokio::time::sleep(AT_MOST) => {}
        }
    }
}

/// Tells one endpoint, and waits where trying again at once would be of no use.
async fn tell(app: &App, webhook: WebhookId) {
    match webhooks::deliver(app, webhook).await {
        Ok(Told::All) => {}
        Ok(Told::ByAnother) => tokio::time::sleep(AT_MOST).await,
        Err(error) => {
            tracing::error!(%webhook, error = serving::explain(&error), "an endpoint could not be told");
            tokio::time::sleep(AT_MOST).await;
        }
    }
}
