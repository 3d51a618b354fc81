//! The command `auth-graph`.

use std::process::ExitCode;

use auth_graph::cli::{Cli, run};
use clap::Parser;
use mimalloc::MiMalloc;

/// Gives memory back to the system within moments after a load. That of the C library keeps what it has had at most.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

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
