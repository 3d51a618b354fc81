//! Periodic chores: loads keys of other replicas, deletes old rows, aggregates metrics, and counts waiting deliveries.

use std::time::Duration;

use engine::app::App;
use engine::{keys, webhooks};
use model::error::Result;

const EVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(app: App) -> Result<()> {
    loop {
        tokio::time::sleep(EVERY).await;
        app.metrics.upkeep();
        engine::housekeep(&app).await?;
        webhooks::measure(&app).await?;
        keys::reload(&app).await?;
    }
}
