//! Follows the outbox, so that what other replicas and the command line end is refused here too.

use std::time::Duration;

use crate::app::App;
use crate::auth::changes;
use crate::error::Result;
use crate::store::Wake;

/// However quiet it is, the outbox is looked at this often: SQLite wakes nobody in another process.
const AT_MOST: Duration = Duration::from_millis(50);

pub(super) async fn run(app: App) -> Result<()> {
    let mut wake = Wake::listen(&app.db, app.changed.clone()).await?;
    loop {
        changes::catch_up(&app).await?;
        app.metrics.followed_position.set(app.revocations.followed_position() as f64);
        wake.wait(AT_MOST).await?;
    }
}
