//! The command line. A command parses its arguments, calls one function and prints the result.

use std::error::Error as StdError;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use subgraph::Directives;

use super::app::App;
use super::config::{Config, Problems, Profile, Sources};
use super::{database, graphql, http};
use crate::clock::Clock;

/// Heading of the options that every command has.
const CONFIGURATION: &str = "Configuration";

/// Example service of a federated graph with the users of auth-graph: notes, and sign-in on its own origin.
#[derive(Debug, Parser)]
#[command(name = "client-graph", version)]
pub struct Cli {
    /// Configuration file (TOML), which overrides the defaults. Can be repeated: a later file overrides an earlier one.
    /// The variable separates the files with colons.
    #[arg(
        long,
        global = true,
        env = "CLIENT_GRAPH_CONFIG",
        value_name = "FILE",
        value_delimiter = ':',
        value_parser = OsStringValueParser::new().map(PathBuf::from),
        help_heading = CONFIGURATION
    )]
    config: Vec<PathBuf>,
    /// Configuration key to override, such as server.bind=127.0.0.1:9001. Can be repeated.
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
    /// Migrate the database and serve until SIGINT or SIGTERM.
    Serve {
        /// Address and port to listen on.
        #[arg(long, value_name = "ADDRESS:PORT")]
        bind: Option<SocketAddr>,
        /// Address of auth-graph.
        #[arg(long, value_name = "URL")]
        auth_url: Option<String>,
        /// Folder of the embedded database and of the generated secret.
        #[arg(long, value_name = "FOLDER")]
        data_dir: Option<String>,
    },
    /// Migrate the database.
    Migrate,
    /// Print the GraphQL schema.
    Schema {
        /// Print it as a subgraph of a federated graph.
        #[arg(long)]
        federation: bool,
        /// Leave out the access directives, for gateways that refuse them.
        #[arg(long, requires = "federation")]
        without_access: bool,
    },
    /// Ask the running service whether it is ready; the exit code is 1 if it is not. For containers without curl.
    Health {
        /// Address and port of the service. Default: server.internal_bind of the configuration, or server.bind.
        #[arg(long, value_name = "ADDRESS:PORT")]
        address: Option<SocketAddr>,
    },
    /// Check or print the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions of a shell.
    Completions {
        /// Shell that reads them.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the configuration and print every problem and warning; the exit code is 2 if there are problems.
    Check {
        /// Exit with 2 for warnings too.
        #[arg(long)]
        strict: bool,
    },
    /// Print the configuration in effect, without its secrets.
    Print,
}

/// The failure of a command.
pub type Failure = Box<dyn StdError + Send + Sync>;

/// Returns whether a command only failed because its output was closed, as `grep -q` does.
#[must_use]
pub fn is_unread(failure: &Failure) -> bool {
    failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Returns the exit code of the process: 2 for a wrong configuration, as in auth-graph.
#[must_use]
pub fn exit_code(failure: &Failure) -> ExitCode {
    match failure.is::<Problems>() {
        true => ExitCode::from(2),
        false => ExitCode::FAILURE,
    }
}

/// Runs one command.
///
/// # Errors
/// The failure, to be printed.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let load = |mut flags: Vec<(String, String)>| -> Result<Config, Problems> {
        flags.extend(cli.settings.clone());
        Config::load(&Sources::of_process(cli.config.clone(), flags))
    };
    match cli.command {
        Command::Serve { bind, auth_url, data_dir } => {
            let flag = |key: &str, value: Option<String>| Some((key.to_owned(), value?));
            let bind = flag("server.bind", bind.map(|bind| bind.to_string()));
            let flags = [bind, flag("auth.url", auth_url), flag("data_dir", data_dir)];
            serve(load(flags.into_iter().flatten().collect())?).await
        }
        Command::Migrate => migrate(&load(Vec::new())?).await,
        Command::Schema { federation, without_access } => {
            let sdl = match (federation, without_access) {
                (false, _) => graphql::sdl(),
                (true, false) => graphql::federation_sdl(Directives::Included),
                (true, true) => graphql::federation_sdl(Directives::LeftOut),
            };
            Ok(io::stdout().write_all(sdl.as_bytes())?)
        }
        Command::Health { address } => {
            let server = load(Vec::new())?.server;
            health(address.unwrap_or(server.internal_bind.unwrap_or(server.bind))).await
        }
        Command::Config(ConfigCommand::Check { strict }) => check(&load(Vec::new())?, strict),
        Command::Config(ConfigCommand::Print) => Ok(io::stdout().write_all(load(Vec::new())?.to_toml().as_bytes())?),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "client-graph", &mut script);
            Ok(io::stdout().write_all(&script)?)
        }
    }
}

async fn health(address: SocketAddr) -> Result<(), Failure> {
    let probed = serving::probe(address).await?;
    match probed.is_ready {
        true => Ok(writeln!(io::stdout(), "{}", probed.body)?),
        false => Err(format!("the service is not ready: {}", probed.body).into()),
    }
}

fn check(config: &Config, strict: bool) -> Result<(), Failure> {
    let warnings = config.warnings();
    if strict && !warnings.is_empty() {
        return Err(Problems(warnings).into());
    }
    warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    Ok(writeln!(io::stdout(), "the configuration is good")?)
}

async fn serve(config: Config) -> Result<(), Failure> {
    let format = match config.profile {
        Profile::Production => serving::Format::Json,
        Profile::Development | Profile::Demo => serving::Format::Text,
    };
    let filter = serving::filter(&config.log.filter, config.log.requests.into());
    serving::log_to_stderr(&filter, format);
    for warning in config.warnings() {
        tracing::warn!(key = warning.key, "{}", warning.message);
    }
    let listeners = serving::Listeners::bind(config.server.bind, config.server.internal_bind).await?;
    let address = listeners.public.local_addr()?;
    let app = App::boot(config, Clock::default()).await?;
    tracing::info!(url = format!("http://{address}"), auth = app.config.auth.url, "client-graph serves");
    if let Some(internal) = &listeners.internal {
        tracing::info!(address = %internal.local_addr()?, "metrics and readiness are answered here");
    }
    http::serve(app, listeners, serving::stop_signal()?).await;
    Ok(())
}

async fn migrate(config: &Config) -> Result<(), Failure> {
    let db = database::connect(config).await?;
    let pending = database::pending_migrations(&db).await?;
    database::migrate(&db).await?;
    match pending {
        0 => Ok(writeln!(io::stdout(), "the database is up to date")?),
        run => Ok(writeln!(io::stdout(), "the database is up to date: {run} migrations were run")?),
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
