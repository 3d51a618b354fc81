//! Writes the search texts of users that another version has written, or that were there before it was updated.

use std::time::Duration;

use engine::accounts;
use engine::app::App;
use model::error::Result;

/// Time between two searches for such users.
const EVERY: Duration = Duration::from_secs(30);

pub(super) async fn run(app: App) -> Result<()> {
    loop {
        while accounts::fill_search_keys(&app).await? > 0 {}
        tokio::time::sleep(EVERY).await;
    }
}
