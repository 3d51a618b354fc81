//! The demo: auth-graph and client-graph on real sockets and embedded databases, with three users whose passwords are
//! public. It is not for production.

mod reader;
mod services;
mod users;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use services::Services;

/// Starts auth-graph and client-graph together, with three users.
#[derive(Debug, Parser)]
struct Options {
    /// Port of auth-graph; 0 selects a free one.
    #[arg(long, env = "DEMO_AUTH_PORT", default_value_t = 8000)]
    auth_port: u16,
    /// Port of client-graph; 0 selects a free one.
    #[arg(long, env = "DEMO_CLIENT_PORT", default_value_t = 8001)]
    client_port: u16,
    /// Folder of the databases and secrets. A second start continues with what the first has stored.
    #[arg(long, env = "DEMO_DATA_DIR", default_value = "data")]
    data_dir: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("demo: {}", errors::explain(&*failure));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stop = serving::stop_signal()?;
    let services = Services::start(&options.data_dir, options.auth_port, options.client_port).await?;
    print!("{}", welcome(&services));
    stop.await;
    services.stop().await?;
    println!("Stopped. The data stays in {}.", options.data_dir.display());
    Ok(())
}

fn welcome(services: &Services) -> String {
    let (auth, client) = (&services.auth_url, &services.client_url);
    let users = users::USERS.map(|user| format!("  {:<16} {}\n", user.email, user.password)).concat();
    format!(
        "\
auth-graph   {auth}/          GraphiQL, {auth}/graphql
client-graph {client}/          GraphiQL, {client}/graphql

Users:
{users}
Sign in through the client service:
  curl -s {client}/auth/token/ -H 'Content-Type: application/json' \\
    -d '{{\"email\": \"user@test.com\", \"password\": \"user-pass\"}}'

Ctrl-C stops both.
"
    )
}
