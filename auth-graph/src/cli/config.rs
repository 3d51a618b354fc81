//! The commands `config check` and `config print`.

use clap::Subcommand;

use super::failure::Failure;
use model::config::{Config, Problems};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the configuration and print every problem and warning; the exit code is 2 if there are problems.
    Check {
        /// Exit with 2 for warnings too.
        #[arg(long)]
        strict: bool,
    },
    /// Print the configuration in effect, without its secrets.
    Print,
}

pub(super) fn run(config: &Config, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Check { strict } => {
            let warnings = config.warnings();
            if *strict && !warnings.is_empty() {
                return Err(Problems(warnings).into());
            }
            warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
            Ok(print_line!("the configuration is good")?)
        }
        Command::Print => super::output::print(config.to_toml()),
    }
}
