//! The configuration: every key, what it means, and the rules that hold between keys.
//!
//! Defaults and their comments stand in `config.default.toml`. A [`Config`] that was loaded has been checked as a
//! whole.

mod check;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use settings::{Layout, MasterSecret};

use crate::verifier::Verification;
pub use settings::{Problem, Problems, Sources};

/// The defaults, as they are documented.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

const LAYOUT: Layout = Layout { defaults: DEFAULTS, prefix: "CLIENT_GRAPH_", open_tables: &[] };

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the service is run for.
    pub profile: Profile,
    /// Folder of the embedded database and of the generated secret.
    pub data_dir: PathBuf,
    /// Authenticates cursors, in base64; empty: generated and kept in `data_dir`.
    pub secret: SecretString,
    /// Where it listens.
    pub server: Server,
    /// How operations come, and which ones.
    pub graphql: graphql_edge::Settings,
    /// How it reaches auth-graph.
    pub auth: Auth,
    /// Where it keeps its data.
    pub database: Database,
    /// How it looks to composers.
    pub federation: Federation,
    /// What is logged.
    pub log: Log,
}

/// What the service is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// With a playground and introspection.
    Development,
    /// Without them, and with logs as JSON.
    Production,
    /// As in development.
    Demo,
}

/// Where the service listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on.
    pub bind: SocketAddr,
    /// Networks of the proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Further origins whose pages may open a WebSocket.
    pub allowed_origins: Vec<String>,
    /// How long running requests may take to finish after a signal to stop.
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    /// A connection is closed on which no further request has arrived for so long.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
}

/// How auth-graph is reached and what its tokens must say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Where it is.
    pub url: String,
    /// Who must have issued tokens; empty: the address.
    pub issuer: String,
    /// Who tokens must be for.
    pub audience: String,
    /// Where the public keys are; empty: under the address.
    pub jwks_url: String,
    /// How tokens are verified.
    pub verification: VerificationSetting,
    /// How far clocks may be apart.
    #[serde(with = "humantime_serde")]
    pub leeway: Duration,
    /// Allows `http://` to another machine.
    pub allow_insecure_http: bool,
    /// The service client that follows the change feed; empty: the feed is not followed.
    pub client_id: String,
    /// The secret of the service client.
    pub client_secret: SecretString,
}

/// How tokens are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerificationSetting {
    /// By signature.
    Local,
    /// By asking for each request.
    Remote,
}

/// Where the data is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://…` or `sqlite://…`; empty: an SQLite file in the data folder. It may hold a password.
    pub url: SecretString,
    /// Size of the connection pool.
    pub max_connections: u32,
}

/// How the service looks to whoever composes it into a supergraph.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federation {
    /// Whether `_service` tells of the directives about access. The rules hold either way.
    pub access_directives: bool,
}

/// What is logged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// In the syntax of tracing's `EnvFilter`.
    pub filter: String,
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// [`Problems`], all of them: unknown keys, values of the wrong kind, and broken rules.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        sources.load(&LAYOUT, Self::check)
    }

    /// The secret that authenticates cursors, which is made at the first start unless it is configured.
    pub(super) fn master_secret(&self) -> io::Result<MasterSecret> {
        MasterSecret::load(&self.secret, &self.data_dir.join("client-graph.secret"))
    }

    /// The database that there is when none is configured.
    pub(super) fn database_file(&self) -> PathBuf {
        self.data_dir.join("client-graph.db")
    }

    /// The database: the configured one, or a file in the data folder, which is made.
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
