//! Follows the outbox, so that this replica also rejects tokens that other replicas and the command line have revoked.

use std::time::{Duration, Instant};

use engine::app::App;
use engine::feed::{self, outbox};
use model::error::Result;
use store::Wake;

/// Maximum time between two reads of the outbox. SQLite does not notify other processes.
const AT_MOST: Duration = Duration::from_millis(50);
/// Interval at which subscribers of the feed are notified that they have received every change.
const CURRENT_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(app: App) -> Result<()> {
    let mut wake = Wake::listen(&app.live_db, app.feed.written.clone()).await?;
    let mut notified_at = Instant::now();
    loop {
        let complete_at = outbox::catch_up(&app).await?;
        if notified_at.elapsed() >= CURRENT_EVERY {
            feed::announce_current(&app, complete_at);
            notified_at = Instant::now();
        }
        app.metrics.followed_position.set(app.tokens.revocations.followed_position() as f64);
        wake.wait(AT_MOST).await?;
    }
}
