//! The command `migrate`.

use clap::Args;

use super::confirm::{self, Unasked};
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
    /// Do not ask before migrations are reverted.
    #[arg(long, requires = "down")]
    yes: bool,
}

pub(super) async fn run(config: Config, options: Options) -> Result<(), Failure> {
    let app = App::build(config, Clock::default()).await?;
    match options.down {
        None => migrate(&app).await,
        Some(steps) => revert(&app, steps, options.yes).await,
    }
}

async fn migrate(app: &App) -> Result<(), Failure> {
    let before = store::migrations(&app.db).await?;
    store::migrate(&app.db).await?;
    if before.pending.is_empty() {
        return Ok(print_line!("the database is up to date")?);
    }
    before.pending.iter().try_for_each(|name| print_line!("{name} was run"))?;
    Ok(print_line!("the database is up to date: {} migrations were run", before.pending.len())?)
}

async fn revert(app: &App, steps: u32, yes: bool) -> Result<(), Failure> {
    let before = store::migrations(&app.db).await?;
    let reverted: Vec<_> = before.run.iter().rev().take(steps as usize).collect();
    if reverted.is_empty() {
        return Ok(print_line!("no migration was reverted")?);
    }
    let names = reverted.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    confirm::ask(&format!("All data in the tables and columns of {names} will be lost."), yes, Unasked::Refuse)?;
    store::migrate_down(&app.db, steps).await?;
    reverted.iter().try_for_each(|name| print_line!("{name} was reverted"))?;
    Ok(print_line!("start the previous version: this one runs the migrations again when it starts")?)
}
