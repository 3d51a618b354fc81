//! The command `secrets rotate`.

use chrono::TimeDelta;
use clap::Subcommand;
use humantime_serde::re::humantime;

use super::confirm::{self, Unasked};
use super::failure::Failure;
use engine::secrets;
use model::clock::Clock;
use model::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a new secret to data_dir/secret and encrypt the signing keys under it. The previous secret stays accepted
    /// for a while, so that no user is signed out. Restart the service to use the new secret.
    Rotate {
        /// Time for which refresh tokens and cursors of the previous secret are accepted, such as 7d. Default:
        /// tokens.idle_lifetime. Use 0s after a theft; it signs out all users.
        #[arg(long, value_name = "TIME", value_parser = time)]
        window: Option<TimeDelta>,
        /// Do not ask before all users are signed out.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(config: Config, command: Command) -> Result<(), Failure> {
    let Command::Rotate { window, yes } = command;
    let window = window.unwrap_or(config.tokens.idle_lifetime);
    if window.is_zero() {
        confirm::ask("All users will be signed out.", yes, Unasked::Refuse)?;
    }
    let until = secrets::rotate(config, Clock::default(), window).await?;
    print_line!("the secret was replaced; the previous one is accepted until {}", until.format("%Y-%m-%dT%H:%M:%SZ"))?;
    Ok(print_line!("restart the service to use the new secret")?)
}

fn time(text: &str) -> Result<TimeDelta, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    TimeDelta::from_std(time).map_err(|_| "is too long".to_owned())
}
