//! `secrets rotate`.

use chrono::TimeDelta;
use clap::Subcommand;
use humantime_serde::re::humantime;

use super::failure::Failure;
use engine::secrets;
use model::clock::Clock;
use model::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Put a new secret into data_dir/secret and encrypt the signing keys under it. The one before is accepted for a
    /// while, so that nobody is signed out. Restart the service to use the new one.
    Rotate {
        /// How long refresh tokens and cursors of the secret before are accepted, such as 7d; tokens.idle_lifetime
        /// unless given. 0s after a theft: that signs everybody out.
        #[arg(long, value_name = "TIME", value_parser = time)]
        window: Option<TimeDelta>,
    },
}

pub(super) async fn run(config: Config, command: Command) -> Result<(), Failure> {
    let Command::Rotate { window } = command;
    let window = window.unwrap_or(config.tokens.idle_lifetime);
    let until = secrets::rotate(config, Clock::default(), window).await?;
    print_line!("a new secret is in place; the one before is accepted until {}", until.format("%Y-%m-%dT%H:%M:%SZ"))?;
    Ok(print_line!("restart the service to use it")?)
}

fn time(text: &str) -> Result<TimeDelta, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    TimeDelta::from_std(time).map_err(|_| "is too long".to_owned())
}
