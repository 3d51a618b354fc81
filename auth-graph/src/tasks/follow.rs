//! Follows the outbox, so that what other replicas and the command line end is refused here too.

use std::time::{Duration, Instant};

use engine::app::App;
use engine::feed::{self, outbox};
use model::error::Result;
use store::Wake;

/// Interval at which the outbox is read at least: SQLite notifies no other process.
const AT_MOST: Duration = Duration::from_millis(50);
/// Interval at which subscribers of the feed are informed that they have received every change.
const CURRENT_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(app: App) -> Result<()> {
    let mut wake = Wake::listen(&app.db, app.feed.written.clone()).await?;
    let mut told = Instant::now();
    loop {
        let complete_at = outbox::catch_up(&app).await?;
        if told.elapsed() >= CURRENT_EVERY {
            feed::announce_current(&app, complete_at);
            told = Instant::now();
        }
        app.metrics.followed_position.set(app.tokens.revocations.followed_position() as f64);
        wake.wait(AT_MOST).await?;
    }
}
