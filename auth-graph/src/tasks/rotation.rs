//! Looks after signing keys: a successor when one has become old, retirement when one is not needed any more.

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
