//! Small chores now and then: keys that other replicas made, counters that are free, metrics that pile up, what waits
//! in the database.

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
