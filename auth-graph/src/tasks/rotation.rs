//! Rotates signing keys: creates a successor of an old key, and retires keys that are no longer needed.

use std::time::Duration;

use engine::app::App;
use engine::keys;
use model::error::Result;

const EVERY: Duration = Duration::from_secs(30);

pub(super) async fn run(app: App) -> Result<()> {
    loop {
        keys::retire_outlived(&app).await?;
        keys::rotate_when_due(&app).await?;
        tokio::time::sleep(EVERY).await;
    }
}
