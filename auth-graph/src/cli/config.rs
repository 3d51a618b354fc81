//! The commands `config check` and `config print`.

use clap::Subcommand;

use super::failure::Failure;
use model::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the configuration and print every problem; the exit code is 2 if there are any.
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
