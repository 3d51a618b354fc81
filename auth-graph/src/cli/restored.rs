//! The command `restored`.

use clap::Args;

use super::confirm::{self, Unasked};
use super::failure::Failure;
use engine::app::App;
use engine::feed::reset;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Options {
    pub(super) fn confirm(&self) -> Result<(), Failure> {
        let effect = "Services that follow the feed will read all users again, and links in mails stop working.";
        confirm::ask(effect, self.yes, Unasked::Continue)
    }
}

pub(super) async fn run(app: &App) -> Result<(), Failure> {
    reset::announce(app).await?;
    Ok(print_line!("readers of the feed start again with the snapshots, and links in earlier mails no longer work")?)
}
