//! The command `restored`.

use super::failure::Failure;
use engine::app::App;
use engine::feed::reset;

pub(super) async fn run(app: &App) -> Result<(), Failure> {
    reset::announce(app).await?;
    Ok(print_line!("readers of the feed start again with the snapshots, and links in earlier mails no longer work")?)
}
