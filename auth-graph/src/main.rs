//! The command `auth-graph`.

use std::process::ExitCode;

use auth_graph::cli::{Cli, run};
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_unread() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("auth-graph: {failure}");
            failure.exit_code()
        }
    }
}
