//! The configuration: all keys, and the rules between them.
//!
//! The defaults and their comments are in `config.default.toml`. A loaded [`Config`] has passed every check.

mod accounts;
mod addresses;
mod check;
mod claims;
mod federation;
mod graphql;
mod log;
mod rest;
mod secret_keys;
mod secret_list;
mod tokens;
mod users;
mod webhooks;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;
use settings::{Layout, Loaded, time_delta};
use url::Url;

use crate::values::{JsonSchema, Scopes};
use secret_list::one_or_many;

pub use accounts::{Accounts, Mail, Registration};
pub use claims::{Claims, ClaimsForAudience, ClaimsHook, HookFailure, ScopesOfAudience, UserIdClaim};
pub use federation::{Federation, Part};
pub use graphql::{AllowedDocuments, Graphql, Introspection};
pub use log::Log;
pub use rest::{AccountField, OldNames, Rest};
pub use settings::{MasterSecret, Problem, Problems, Secrets, Sources};
pub use tokens::{SigningAlgorithm, Tokens};
pub use users::Users;
pub use webhooks::Webhooks;

/// Every key with its default and a comment, in TOML.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

const LAYOUT: Layout = Layout {
    defaults: DEFAULTS,
    prefix: "AUTH_GRAPH_",
    open_tables: &["roles", "rest.user_fields"],
    secrets: secret_keys::SECRETS,
};

/// Configuration of auth-graph.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Purpose of the installation.
    pub profile: Profile,
    /// Folder of the embedded database and of the generated secret.
    pub data_dir: PathBuf,
    /// Master secret in base64. If it is empty, a generated one is kept in `data_dir`.
    pub secret: SecretString,
    /// Replaced secrets that are still accepted. They need a `secret` in the configuration.
    #[serde(deserialize_with = "one_or_many")]
    pub previous_secrets: Vec<SecretString>,
    /// Listening address and public address.
    pub server: Server,
    /// Transport of operations, and accepted documents.
    pub graphql: Graphql,
    /// Cookie with the refresh token.
    pub cookies: Cookies,
    /// Database.
    pub database: Database,
    /// Access tokens, sessions and signing keys.
    pub tokens: Tokens,
    /// Claims of access tokens in addition to the standard ones.
    pub claims: Claims,
    /// Paths of django-easyjwt.
    pub rest: Rest,
    /// Password hashing, and rules for new passwords.
    pub passwords: Passwords,
    /// Registration, and the accounts of users.
    pub accounts: Accounts,
    /// Users, as others see them.
    pub users: Users,
    /// Outgoing mail.
    pub mail: Mail,
    /// Limits of failed attempts and of mails.
    pub limits: Limits,
    /// Change feed.
    pub feed: Feed,
    /// Webhooks, which notify other services of changes.
    pub webhooks: Webhooks,
    /// Named sets of scopes.
    pub roles: BTreeMap<String, Scopes>,
    /// Retention of events.
    pub audit: Audit,
    /// Schema for composition into a supergraph.
    pub federation: Federation,
    /// Log.
    pub log: Log,
    /// The configuration as TOML without its secrets.
    #[serde(skip)]
    printed: String,
}

/// Purpose of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Development: the playground and introspection are on.
    Development,
    /// Production: the playground and introspection are off, and the log is JSON.
    Production,
    /// Demo: as in development, on loopback addresses only, and the sample passwords are accepted.
    Demo,
}

/// Listening address and public address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on.
    pub bind: SocketAddr,
    /// Address and port for operators only: then metrics and readiness are answered there, and not at `bind`.
    #[serde(deserialize_with = "settings::optional_address")]
    pub internal_bind: Option<SocketAddr>,
    /// Address that clients use, without a trailing slash unless the issuer has one. It may be empty.
    pub public_url: String,
    /// Networks of the proxies whose `X-Forwarded-For` is trusted.
    #[serde(deserialize_with = "settings::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Further origins whose pages may send requests, also with the cookie, and open a WebSocket.
    pub allowed_origins: Vec<String>,
    /// Time for running requests to finish after a signal to stop.
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    /// Time without a further request after which a connection is closed.
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

/// Cookie that keeps the refresh token in browsers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cookies {
    /// Domain whose hosts all receive the cookie. If it is empty, only the host that has set it does.
    pub domain: String,
    /// Requests from other sites that carry the cookie.
    pub same_site: SameSite,
}

/// Requests from other sites that carry a cookie (RFC 6265bis section 5.6.7). There is no `None`, because the service
/// rejects every other such request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SameSite {
    /// No request.
    Strict,
    /// Navigation by a link.
    Lax,
}

/// Database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://…` or `sqlite://…`. If it is empty, an SQLite file in the data folder is used. It may contain a
    /// password.
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

/// Password hashing with argon2id on threads of its own, and rules for new passwords.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passwords {
    /// Number of hashing threads. 0 means one for each core.
    pub threads: usize,
    /// Niceness of these threads.
    pub nice: i32,
    /// Number of log-ins that may wait for a thread.
    pub queue: usize,
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lowest score of a new password.
    pub min_score: u8,
    /// File with hashes of passwords that are rejected.
    pub breached_list: PathBuf,
    /// Service that knows breached passwords. If it is empty, no service is asked.
    pub breached_url: String,
    /// Time to wait for the answer of that service.
    #[serde(with = "humantime_serde")]
    pub breached_timeout: Duration,
}

/// Limits of failed attempts and of mails: a burst, and then one in each interval.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Burst of failed attempts of one account.
    pub account_attempts: u32,
    /// Interval of failed attempts of one account.
    #[serde(deserialize_with = "time_delta")]
    pub account_interval: TimeDelta,
    /// Number of failed attempts of one account in a row, after which no further one is accepted.
    pub account_failures: u32,
    /// Burst of failed attempts of one client network.
    pub network_attempts: u32,
    /// Interval of failed attempts of one client network.
    #[serde(deserialize_with = "time_delta")]
    pub network_interval: TimeDelta,
    /// Burst of mails to one address.
    pub mail_burst: u32,
    /// Interval of mails to one address.
    #[serde(deserialize_with = "time_delta")]
    pub mail_interval: TimeDelta,
    /// Burst of changes that one user makes to their own account.
    pub write_burst: u32,
    /// Interval of such changes.
    #[serde(deserialize_with = "time_delta")]
    pub write_interval: TimeDelta,
}

/// Retention of events.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Retention of the audit log.
    #[serde(deserialize_with = "time_delta")]
    pub retention: TimeDelta,
    /// Retention of events of signing in.
    #[serde(deserialize_with = "time_delta")]
    pub login_event_retention: TimeDelta,
    /// Retention of sessions after their end.
    #[serde(deserialize_with = "time_delta")]
    pub session_retention: TimeDelta,
}

/// Change feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Retention of changes.
    #[serde(deserialize_with = "time_delta")]
    pub retention: TimeDelta,
}

impl SameSite {
    /// Returns the value of the attribute `SameSite`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
        }
    }
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// All [`Problems`]: unknown keys, values of the wrong type, and violated rules.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let Loaded { settings, values } = sources.load(&LAYOUT, Self::check)?;
        Ok(Self { printed: LAYOUT.to_toml(&values), ..settings })
    }

    /// Returns the configuration as it was loaded, as TOML. Secrets and passwords are replaced by asterisks.
    #[must_use]
    pub fn to_toml(&self) -> &str {
        &self.printed
    }

    /// Returns the master secret and the replaced ones. An unconfigured secret is generated at the first start.
    ///
    /// # Errors
    /// When the file cannot be read or written, is readable by others, or contains no valid secrets.
    pub fn secrets(&self) -> io::Result<Secrets> {
        Secrets::load(&self.secret, &self.previous_secrets, &self.secret_file())
    }

    /// Writes a new secret into the file and keeps the previous one. Returns the time until which that is accepted.
    ///
    /// # Errors
    /// As [`Self::secrets`].
    pub fn rotate_secret(&self, now: DateTime<Utc>, window: TimeDelta) -> io::Result<DateTime<Utc>> {
        Secrets::rotate(&self.secret_file(), now, window)
    }

    /// Returns the file of the embedded database.
    #[must_use]
    pub fn embedded_database(&self) -> PathBuf {
        self.data_dir.join("auth-graph.sqlite")
    }

    fn secret_file(&self) -> PathBuf {
        self.data_dir.join("secret")
    }

    /// Returns the issuer of tokens: the public address byte for byte, or else the listening address.
    #[must_use]
    pub fn issuer(&self) -> String {
        if self.server.public_url.is_empty() {
            format!("http://{}", self.server.bind)
        } else {
            self.server.public_url.clone()
        }
    }

    /// Returns true if users may sign in for this audience.
    #[must_use]
    pub fn serves_audience(&self, audience: &str) -> bool {
        self.tokens.audience == audience || self.tokens.further_audiences.iter().any(|further| further == audience)
    }

    /// Returns those of the scopes that a token for this audience may have.
    #[must_use]
    pub fn scopes_for(&self, audience: &str, scopes: Scopes) -> Scopes {
        match self.tokens.audience_scopes.iter().find(|listed| listed.audience == audience) {
            Some(listed) => scopes.intersection(&listed.scopes),
            None => scopes,
        }
    }

    /// Returns true if pages of this origin may act for a signed-in user: pages of the service itself, and of the
    /// configured origins.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.server.allowed_origins.iter().any(|allowed| allowed == origin)
            || Url::parse(&self.issuer()).is_ok_and(|url| url.origin().ascii_serialization() == origin)
    }

    /// Returns true if a page of this allowed origin may use the cookie although it is not of the service itself: the
    /// cookie belongs to the parent domain, or the page is served by this machine during development.
    #[must_use]
    pub fn shares_cookie_with(&self, origin: &str) -> bool {
        !self.cookies.domain.is_empty() || settings::is_on_this_machine(origin)
    }

    /// Reads the schema in a file. There is none if the path is empty.
    pub fn schema(path: &Path) -> Result<Option<JsonSchema>, String> {
        if path.as_os_str().is_empty() { Ok(None) } else { JsonSchema::read(path).map(Some) }
    }
}
