//! Small chores now and then: keys that other replicas made, counters that are free, metrics that pile up, what waits
//! in the database.

use std::time::Duration;

use crate::app::App;
use crate::auth::{self, keys, webhooks};
use crate::error::Result;

const EVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(app: App) -> Result<()> {
    loop {
        tokio::time::sleep(EVERY).await;
        app.metrics.upkeep();
        auth::purge(&app, app.clock.now()).await?;
        webhooks::measure(&app).await?;
        keys::reload(&app).await?;
    }
}
