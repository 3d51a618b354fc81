//! `make bench`: measures the promises of the README and prints one table. Absolute figures depend on the machine, so
//! most figures are ratios of two things that were measured alternately in one run.
//!
//! A figure that misses its target does not make the run fail; a wrong answer does.

mod auth_graph;
mod bare;
mod bare_graphql;
mod changes;
mod client_graph_service;
mod context_builder;
mod easyjwt;
mod entities;
mod feed;
mod fields;
mod follower;
mod http;
mod import;
mod load;
mod login_storm;
mod machine;
mod memory;
mod notes;
mod process;
mod protected_field;
mod purging;
mod samples;
mod sessions;
mod side_by_side;
mod startup;
mod table;
mod verify;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::auth_graph::Installation;
use crate::follower::Following;
use crate::machine::Usage;
use crate::samples::ROUNDS;
use crate::table::{Row, Table};

/// Measures auth-graph and client-graph, and prints a table.
#[derive(Parser)]
struct Arguments {
    /// Length of each slice of a measurement.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Measures only the sections whose name contains this text.
    #[arg(long, default_value = "")]
    only: String,
    #[command(subcommand)]
    server: Option<SmallServer>,
}

/// The servers that the program starts itself, for comparison.
#[derive(Subcommand)]
enum SmallServer {
    /// Serves with axum alone.
    #[command(hide = true)]
    Bare { address: SocketAddr, answer_bytes: usize },
    /// Serves with axum and async-graphql alone.
    #[command(hide = true)]
    BareGraphql { address: SocketAddr },
    /// Serves one field, open and protected.
    #[command(hide = true)]
    Fields { address: SocketAddr, auth_graph: String },
    /// Runs a service that follows the feed.
    #[command(hide = true)]
    Follow(Following),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.server {
        None => measure(Duration::from_secs(arguments.seconds), &arguments.only),
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
        SmallServer::BareGraphql { address } => bare_graphql::serve(address).await,
        SmallServer::Fields { address, auth_graph } => fields::serve(address, &auth_graph).await,
        SmallServer::Follow(following) => following.follow().await,
    }
}

fn measure(time: Duration, only: &str) -> Result<(), Box<dyn Error>> {
    let (usage, load) = (Usage::now(), machine::load());
    let installation = Installation::create()?;
    let (url, log) = (installation.url(), installation.log());

    let mut table = Table::default();
    let mut section = |what: &str, measured: &mut dyn FnMut() -> Result<Vec<Row>, Box<dyn Error>>| {
        if !what.contains(only) {
            return Ok(());
        }
        eprintln!("measuring: {what}");
        let usage = Usage::now();
        table.extend(measured()?, Usage::others_since(usage));
        Ok::<(), Box<dyn Error>>(())
    };
    section("sessions", &mut || sessions::rows(time))?;
    section("changes", &mut || changes::rows(time))?;
    section("purge", &mut || purging::rows(time))?;
    section("context builder", &mut || context_builder::rows(time))?;
    section("feed", &mut || feed::rows())?;
    section("import", &mut || import::rows())?;
    section("entities", &mut || entities::rows(time))?;
    section("start and idle memory", &mut || startup::rows(&installation))?;
    section("memory after loads", &mut || memory::rows(&installation, time))?;
    let client = installation.create_client()?;
    let server = installation.start()?;
    let tokens = auth_graph::access_tokens(&url)?;
    section("protected field", &mut || protected_field::rows(&url, &tokens, &log, time))?;
    section("verify", &mut || verify::rows(&server, &client, &tokens, &log, time))?;
    section("notes", &mut || notes::rows(&server, &url, &tokens, installation.folder(), &log, time))?;
    section("log-in storm", &mut || login_storm::rows(&server, &tokens, time))?;
    section("django-easyjwt", &mut || side_by_side::rows(&server, &url, &tokens, installation.folder(), time))?;

    println!("\n{table}");
    println!(
        "\"Others\" is what other programs took of the processor meanwhile: {:.0} % over the whole run. {} cores of {}, \
         which the servers and the load on them shared; load average {load} before, {} after. Passwords: {}. Signatures: \
         ES256. SQLite. Slices of {} s, {ROUNDS} rounds. auth-graph {}.",
        Usage::others_since(usage) * 100.0,
        machine::cores(),
        machine::processor(),
        machine::load(),
        login_storm::hasher(),
        time.as_secs(),
        env!("CARGO_PKG_VERSION"),
    );
    Ok(())
}
