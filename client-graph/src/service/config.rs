//! The configuration of the service.
//!
//! `config.default.toml` holds the defaults and documents every key. A loaded [`Config`] has passed all checks.

mod check;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use settings::{Layout, Loaded, MasterSecret};

use crate::verifier::Verification;
pub use settings::{Problem, Problems, Sources};

/// The documented defaults.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// Keys of secrets, and of URLs that can contain one. `config print` hides them, and each can be read from a file.
const SECRETS: &[&str] = &["secret", "auth.client_secret", "database.url"];

const LAYOUT: Layout = Layout { defaults: DEFAULTS, prefix: "CLIENT_GRAPH_", open_tables: &[], secrets: SECRETS };

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Profile of the service.
    pub profile: Profile,
    /// Folder of the embedded database and of the generated secret.
    pub data_dir: PathBuf,
    /// Secret that authenticates cursors, in base64; empty: generated and kept in `data_dir`.
    pub secret: SecretString,
    /// Listener and connections.
    pub server: Server,
    /// Accepted GraphQL requests.
    pub graphql: graphql_edge::Settings,
    /// Connection to auth-graph.
    pub auth: Auth,
    /// Database.
    pub database: Database,
    /// Other users, as this service shows them.
    pub users: Users,
    /// Schema for composition into a supergraph.
    pub federation: Federation,
    /// Log.
    pub log: Log,
    /// The configuration as TOML without its secrets.
    #[serde(skip)]
    printed: String,
}

/// The profile of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Development, with a playground and introspection.
    Development,
    /// Production, without a playground and introspection, and with logs as JSON.
    Production,
    /// Demo; the same as development.
    Demo,
}

/// The listener of the service and its connections.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on.
    pub bind: SocketAddr,
    /// Address and port for operators only: then metrics and readiness are answered there, and not at `bind`.
    #[serde(deserialize_with = "settings::optional_address")]
    pub internal_bind: Option<SocketAddr>,
    /// Networks of the proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "settings::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Additional origins whose pages may send requests and open a WebSocket.
    pub allowed_origins: Vec<String>,
    /// Time for running requests to finish after a signal to stop.
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    /// Time after which a connection without a further request is closed.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// Time after which a request that was not answered yet is answered with `UNAVAILABLE`.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// Number of connections that are open at the same time.
    pub max_connections: usize,
    /// Number of these from one address; trusted proxies may open more.
    pub max_connections_per_address: usize,
    /// Number of WebSockets without a signed-in caller from one client address, also behind a trusted proxy.
    pub max_anonymous_sockets_per_address: usize,
    /// Time after which such a WebSocket is closed that runs no operation.
    #[serde(with = "humantime_serde")]
    pub anonymous_socket_idle: Duration,
}

/// The connection to auth-graph, and the rules for its tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Address of auth-graph.
    pub url: String,
    /// Issuer that tokens must name; empty: the address.
    pub issuer: String,
    /// Audience that tokens must name.
    pub audience: String,
    /// Address of the public keys; empty: under the address of auth-graph.
    pub jwks_url: String,
    /// Method of verifying tokens.
    pub verification: VerificationSetting,
    /// Greatest accepted difference between the clocks.
    #[serde(with = "humantime_serde")]
    pub leeway: Duration,
    /// Allows `http://` for an auth-graph on another machine.
    pub allow_insecure_http: bool,
    /// Service client that follows the change feed; empty: the feed is not followed.
    pub client_id: String,
    /// Secret of the service client.
    pub client_secret: SecretString,
}

/// The method of verifying tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerificationSetting {
    /// Verifies the signature in this process.
    Local,
    /// Asks auth-graph for each request.
    Remote,
}

/// The database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Address of the database, `postgres://…` or `sqlite://…`, which may hold a password; empty: an SQLite file in the
    /// data folder.
    pub url: SecretString,
    /// Size of the connection pool.
    pub max_connections: u32,
    /// Longest duration of a statement on PostgreSQL.
    #[serde(with = "humantime_serde")]
    pub statement_timeout: Duration,
    /// Longest wait for a lock on PostgreSQL.
    #[serde(with = "humantime_serde")]
    pub lock_timeout: Duration,
    /// Longest pause between two statements of a transaction on PostgreSQL.
    #[serde(with = "humantime_serde")]
    pub idle_in_transaction_timeout: Duration,
}

/// Other users, as this service shows them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// Fields that every signed-in caller may see.
    pub public_fields: Vec<PublicField>,
}

/// A field of the public profile that this service answers from its mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PublicField {
    /// The name under which a user is shown.
    DisplayName,
    /// The address of the picture.
    PictureUrl,
}

/// The schema for composition into a supergraph.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federation {
    /// Includes the access directives in the schema of `_service`. The rules are checked in any case.
    pub access_directives: bool,
}

/// The log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Filter in the syntax of tracing's `EnvFilter`.
    pub filter: String,
    /// If true, a line is logged for each request.
    pub requests: bool,
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// All [`Problems`]: unknown keys, values of the wrong type, and broken rules.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let Loaded { settings, values } = sources.load(&LAYOUT, Self::check)?;
        Ok(Self { printed: LAYOUT.to_toml(&values), ..settings })
    }

    /// Returns the configuration as it was loaded, as TOML. Secrets and passwords are replaced by asterisks.
    #[must_use]
    pub fn to_toml(&self) -> &str {
        &self.printed
    }

    /// Returns the secret that authenticates cursors. It is generated at the first start unless it is configured.
    pub(super) fn master_secret(&self) -> io::Result<MasterSecret> {
        MasterSecret::load(&self.secret, &self.data_dir.join("client-graph.secret"))
    }

    /// Returns the file of the default database.
    pub(super) fn database_file(&self) -> PathBuf {
        self.data_dir.join("client-graph.db")
    }

    /// Returns the address of the configured database, or of a file in the data folder, which is created.
    pub(super) fn database_url(&self) -> io::Result<SecretString> {
        if !self.database.url.expose_secret().is_empty() {
            return Ok(self.database.url.clone());
        }
        settings::sqlite_url(&self.database_file())
    }
}

impl From<VerificationSetting> for Verification {
    fn from(setting: VerificationSetting) -> Self {
        match setting {
            VerificationSetting::Local => Self::Local,
            VerificationSetting::Remote => Self::Remote,
        }
    }
}
