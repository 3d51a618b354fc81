//! The command `migrate`.

use clap::Args;

use super::failure::Failure;
use engine::app::App;
use model::clock::Clock;
use model::config::Config;
use store;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Revert this number of migrations instead. Data in their tables and columns is lost.
    #[arg(long, value_name = "STEPS")]
    down: Option<u32>,
}

pub(super) async fn run(config: Config, options: Options) -> Result<(), Failure> {
    let app = App::build(config, Clock::default()).await?;
    match options.down {
        None => store::migrate(&app.db).await?,
        Some(steps) => store::migrate_down(&app.db, steps).await?,
    }
    Ok(print_line!("{} migrations are pending", store::pending_migrations(&app.db).await?)?)
}
