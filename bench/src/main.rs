//! `make bench`: measures what the README promises, and prints one table. Figures travel badly from one machine to
//! another, so most are ratios of two things that were measured alternately in the same run.
//!
//! A figure that misses its target does not make the run fail; a wrong answer does.

mod auth_graph;
mod bare;
mod client_graph_service;
mod context_builder;
mod easyjwt;
mod fields;
mod http;
mod load;
mod login_storm;
mod machine;
mod process;
mod protected_field;
mod samples;
mod side_by_side;
mod startup;
mod table;
mod verify;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};

use crate::auth_graph::Installation;
use crate::machine::Usage;
use crate::table::Table;

/// Measures auth-graph and client-graph, and prints a table.
#[derive(Parser)]
struct Arguments {
    /// How long each slice of a measurement takes.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    #[command(subcommand)]
    server: Option<SmallServer>,
}

/// The servers for comparison, which the program starts itself.
#[derive(Subcommand)]
enum SmallServer {
    /// axum alone.
    #[command(hide = true)]
    Bare { address: SocketAddr, answer_bytes: usize },
    /// One field, open and protected.
    #[command(hide = true)]
    Fields { address: SocketAddr, auth_graph: String },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.server {
        None => measure(Duration::from_secs(arguments.seconds)),
        Some(server) => serve(server),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(server: SmallServer) -> Result<(), Box<dyn Error>> {
    match server {
        SmallServer::Bare { address, answer_bytes } => bare::serve(address, answer_bytes).await,
        SmallServer::Fields { address, auth_graph } => fields::serve(address, &auth_graph).await,
    }
}

fn measure(time: Duration) -> Result<(), Box<dyn Error>> {
    let (start, usage, load) = (Instant::now(), Usage::now(), machine::load());
    let mut table = Table::default();
    progress("preparing a database");
    let installation = Installation::create()?;
    let (url, log) = (installation.url(), installation.log());

    progress("start and idle memory");
    let started = startup::rows(&installation)?;
    progress("context builder");
    table.extend(context_builder::rows(time)?);
    {
        let server = installation.start()?;
        let tokens = auth_graph::access_tokens(&url)?;
        progress("protected field");
        table.extend(protected_field::rows(&url, &tokens, &log, time)?);
        progress("verify");
        table.extend(verify::rows(&server, &tokens, &log, time)?);
        progress("log-in storm");
        table.extend(login_storm::rows(&server, &tokens, time)?);
        table.extend(started);
        progress("django-easyjwt");
        table.extend(side_by_side::rows(&server, &url, &tokens, installation.folder(), time)?);
    }

    let others = Usage::now().others_since(usage).as_secs_f64();
    let possible = start.elapsed().as_secs_f64() * machine::cores() as f64;
    println!("\n{table}");
    println!(
        "{} cores of {}, which the servers and the load on them shared; load average {load} before, {} after; other \
         programs used {others:.0} s of {possible:.0} s of processor time ({:.0} %). Passwords: {}. Signatures: ES256. \
         SQLite. Slices of {} s. auth-graph {}.",
        machine::cores(),
        machine::processor(),
        machine::load(),
        100.0 * others / possible,
        login_storm::hasher(),
        time.as_secs(),
        env!("CARGO_PKG_VERSION"),
    );
    Ok(())
}

fn progress(what: &str) {
    eprintln!("measuring: {what}");
}
