//! The command line: each command parses its arguments, calls functions of `engine` and prints the result.

/// Prints a line like `println!`, but returns an error where that macro panics: the reader of a pipe can close it
/// early, as `grep -q` does.
macro_rules! print_line {
    ($($line:tt)*) => {
        std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($line)*)))
    };
}

mod arguments;
mod audit;
mod client;
mod config;
mod confirm;
mod export;
mod failure;
mod health;
mod import;
mod keys;
mod mail;
mod migrate;
mod output;
mod restored;
mod secrets;
mod serve;
mod user;
mod webhook;

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use subgraph::Directives;

use crate::configuration;
use crate::graphql;
use engine::app::App;
use model::clock::Clock;
use model::config::{Config, Part, Problems, Sources};

use arguments::key_value;
use output::{print, start_log};

pub use failure::Failure;

/// Heading of the options that every command has.
const CONFIGURATION: &str = "Configuration";

/// An authentication service whose API is GraphQL, and a subgraph of your federated graph.
#[derive(Debug, Parser)]
#[command(name = "auth-graph", version)]
pub struct Cli {
    /// TOML file whose settings replace the defaults; may be repeated, and a later file overrides an earlier one. The
    /// variable separates the files with colons.
    #[arg(
        long,
        global = true,
        env = "AUTH_GRAPH_CONFIG",
        value_name = "FILE",
        value_delimiter = ':',
        value_parser = OsStringValueParser::new().map(PathBuf::from),
        help_heading = CONFIGURATION
    )]
    config: Vec<PathBuf>,
    /// Set a key of the configuration, such as server.bind=127.0.0.1:9000; may be repeated.
    #[arg(
        long = "set",
        global = true,
        value_name = "KEY=VALUE",
        value_parser = key_value,
        help_heading = CONFIGURATION
    )]
    settings: Vec<(String, String)>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrate the database and serve requests until SIGINT or SIGTERM.
    Serve(serve::Options),
    /// Migrate the database, or revert migrations.
    Migrate(migrate::Options),
    /// Prepare a database that was restored from a backup. Run it before the service starts: services that follow the
    /// change feed then read all users again, because they know changes that the database has lost.
    Restored(restored::Options),
    /// Ask the running service whether it is ready; the exit code is 1 if it is not. For containers without curl.
    Health(health::Options),
    /// Print the GraphQL schema.
    Schema {
        /// Print the schema as a subgraph of a federated graph.
        #[arg(long)]
        federation: bool,
        /// Part of the API in the federated graph: `core`, `account` or `full`.
        #[arg(long, requires = "federation", default_value = "account")]
        part: Part,
        /// Leave out the directives about access, for gateways that reject them.
        #[arg(long, requires = "federation")]
        without_access: bool,
    },
    /// Create, find, change, disable and delete users, and end their sessions.
    #[command(subcommand)]
    User(user::Command),
    /// List, replace and withdraw the keys that sign access tokens.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Replace the master secret.
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Create, list, change and disable service clients, and rotate their secrets.
    #[command(subcommand)]
    Client(client::Command),
    /// Create, list, change, disable and delete webhook endpoints, and print and replay their deliveries.
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Print the audit log, sign-ins, or the number of sign-ins.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Import users from another system, with their password hashes. Run the same command again to continue an
    /// interrupted import.
    Import(import::Options),
    /// Export the users as JSON, one object per line.
    Export(export::Options),
    /// Send a mail to find out whether the settings of the mail server are right.
    #[command(subcommand)]
    Mail(mail::Command),
    /// Check or print the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Print the completions of a shell.
    Completions {
        /// Shell that reads them.
        shell: Shell,
    },
}

/// Runs one command.
///
/// # Errors
/// The failure, which the caller prints.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let load = |mut flags: Vec<(String, String)>| -> Result<Config, Problems> {
        flags.extend(cli.settings.clone());
        configuration::load(&Sources::of_process(cli.config.clone(), flags))
    };
    let booted = async || -> Result<App, Failure> {
        let config = load(Vec::new())?;
        start_log(&config);
        Ok(engine::boot(config, Clock::default()).await?)
    };
    match cli.command {
        Command::Serve(options) => serve::run(load(options.settings())?).await,
        Command::Migrate(options) => migrate::run(load(Vec::new())?, options).await,
        Command::Schema { federation: true, part, without_access } => {
            let directives = if without_access { Directives::LeftOut } else { Directives::Included };
            print(&graphql::federation_sdl(part, directives))
        }
        Command::Schema { federation: false, .. } => print(&graphql::sdl()),
        Command::Restored(options) => {
            options.confirm()?;
            restored::run(&booted().await?).await
        }
        Command::Health(options) => health::run(&load(Vec::new())?, options).await,
        Command::User(command) => user::run(&booted().await?, command).await,
        Command::Keys(command) => keys::run(&booted().await?, command).await,
        Command::Secrets(command) => {
            let config = load(Vec::new())?;
            start_log(&config);
            secrets::run(config, command).await
        }
        Command::Client(command) => client::run(&booted().await?, command).await,
        Command::Webhook(command) => webhook::run(&booted().await?, command).await,
        Command::Audit(command) => audit::run(&booted().await?, command).await,
        Command::Import(options) => import::run(&booted().await?, options).await,
        Command::Export(options) => export::run(&booted().await?, options).await,
        Command::Mail(command) => {
            let config = load(Vec::new())?;
            start_log(&config);
            mail::run(&config, command).await
        }
        Command::Config(command) => config::run(&load(Vec::new())?, &command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "auth-graph", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}
