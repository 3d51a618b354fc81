//! `config check` and `config print`.

use clap::Subcommand;

use super::failure::Failure;
use model::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the configuration; every problem is printed, and the exit code is 2 if there is one.
    Check,
    /// Print the configuration in effect, without its secrets.
    Print,
}

pub(super) fn run(config: &Config, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Check => Ok(print_line!("the configuration is good")?),
        Command::Print => super::output::print(config.to_toml()),
    }
}
