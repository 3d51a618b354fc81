//! `make chaos`: virtual users and faults at random against real processes of auth-graph and client-graph on
//! PostgreSQL. The history of the run is checked at its end. The program fails if an invariant was broken.
//!
//! The seed decides what the users do and which faults happen. It cannot decide how the processes interleave, so a
//! replay makes the same fault likely and not certain.

mod administrator;
mod calls;
mod cluster;
mod database;
mod documents;
mod ending;
mod faults;
mod finding;
mod history;
mod invariants;
mod observed;
mod program;
mod proxy;
mod random;
mod run;
mod secrets;
mod users;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::cluster::Size;
use crate::random::Random;
use crate::run::{Plan, Work, run};

/// Lets virtual users and faults at random loose on real processes, and checks what the services promised.
#[derive(Parser)]
struct Arguments {
    /// Seed of the plan. Default: another one in each run.
    #[arg(long)]
    seed: Option<u64>,
    /// Length of the users' work.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Number of steps of each user, instead of a length.
    #[arg(long, conflicts_with = "seconds")]
    steps: Option<usize>,
    /// Number of users.
    #[arg(long, default_value_t = 12)]
    users: usize,
    /// Number of replicas of auth-graph.
    #[arg(long, default_value_t = 3, value_parser = 1..=9)]
    replicas: i64,
    /// Number of client services.
    #[arg(long, default_value_t = 2)]
    services: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(Random::fresh_seed);
    let replicas = usize::try_from(arguments.replicas).unwrap_or(1);
    let work = arguments.steps.map_or(Work::For(Duration::from_secs(arguments.seconds)), Work::Steps);
    let size = Size { replicas, services: arguments.services };
    let plan = Plan { seed, size, users: arguments.users, work };
    let length = match work {
        Work::Steps(steps) => format!("--steps {steps}"),
        Work::For(time) => format!("--seconds {}", time.as_secs()),
    };
    let replay = format!(
        "scripts/with-postgres {} --seed {seed} {length} --users {} --replicas {replicas} --services {}",
        std::env::args().next().unwrap_or_default(),
        arguments.users,
        arguments.services,
    );
    println!("seed {seed}");
    let report = match run(plan).await {
        Ok(report) => report,
        Err(failure) => {
            eprintln!("chaos: {failure}\nreplay: {replay}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", report.summary);
    if report.findings.is_empty() {
        println!("nothing was found");
        return ExitCode::SUCCESS;
    }
    for (name, finding) in &report.findings {
        println!("\nBROKEN: {name}\n  {finding}");
    }
    if let Some(logs) = report.logs {
        println!("\nlogs: {}", logs.display());
    }
    println!("\n{} findings\nseed {seed}\nreplay: {replay}", report.findings.len());
    ExitCode::FAILURE
}
