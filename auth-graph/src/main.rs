//! The command `auth-graph`.

use std::process::ExitCode;

use auth_graph::cli::{Cli, run};
use clap::Parser;
use mimalloc::MiMalloc;

/// A request makes many small things that live as long as it does: a sixth of its instructions are the allocator's with
/// that of the C library.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("auth-graph: {failure}");
            failure.exit_code()
        }
    }
}
