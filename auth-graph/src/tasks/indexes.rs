//! Builds the indexes that are missing, once after the start.

use std::time::Duration;

use engine::app::App;
use model::error::Result;

/// Pause before the next attempt, when a table is in use or the database fails.
const PAUSE: Duration = Duration::from_secs(60);

pub(super) async fn run(app: App) -> Result<()> {
    while let Err(error) = engine::build_indexes(&app).await {
        tracing::warn!(error = errors::explain(&error), "an index could not be built and is tried again");
        tokio::time::sleep(PAUSE).await;
    }
    std::future::pending().await
}
