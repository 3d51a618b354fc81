//! The command `client-graph`.

use std::process::ExitCode;

use clap::Parser;
use client_graph::service::cli::{Cli, exit_code, is_unread, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if is_unread(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("client-graph: {}", errors::explain(&*failure));
            exit_code(&failure)
        }
    }
}
