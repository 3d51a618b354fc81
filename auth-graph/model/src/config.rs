//! The configuration: every key, what it means, and the rules that hold between keys.
//!
//! Defaults and their comments stand in `config.default.toml`. A [`Config`] that was loaded has been checked as a
//! whole.

mod accounts;
mod check;
mod claims;
mod graphql;
mod print;
mod webhooks;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use settings::Layout;
use url::Url;

use crate::values::Scopes;

pub use accounts::{Accounts, Mail, Registration};
pub use claims::{Claims, ClaimsForAudience, ClaimsHook, HookFailure, ScopesOfAudience, UserIdClaim};
pub use graphql::{AllowedDocuments, Graphql};
pub use settings::{MasterSecret, Problem, Problems, Secrets, Sources};
pub use webhooks::Webhooks;

/// The defaults, as they are documented.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

const LAYOUT: Layout = Layout { defaults: DEFAULTS, prefix: "AUTH_GRAPH_", open_tables: &["roles"] };

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the service is run for.
    pub profile: Profile,
    /// Folder of the embedded database and of the generated secret.
    pub data_dir: PathBuf,
    /// The master secret in base64; empty: generated and kept in `data_dir`.
    pub secret: SecretString,
    /// Secrets that were replaced and are still accepted; with `secret` only.
    #[serde(deserialize_with = "one_or_many")]
    pub previous_secrets: Vec<SecretString>,
    /// Where it listens and how it is reached.
    pub server: Server,
    /// How operations are sent, and which documents are accepted.
    pub graphql: Graphql,
    /// How the refresh token is kept by browsers.
    pub cookies: Cookies,
    /// Where it keeps its data.
    pub database: Database,
    /// What it issues.
    pub tokens: Tokens,
    /// What access tokens say beside the standard claims.
    pub claims: Claims,
    /// The paths of django-easyjwt.
    pub rest: Rest,
    /// How passwords are hashed.
    pub passwords: Passwords,
    /// How accounts are made and looked after.
    pub accounts: Accounts,
    /// How mails are sent.
    pub mail: Mail,
    /// How many failed log-ins are heard.
    pub limits: Limits,
    /// How long the change feed goes back.
    pub feed: Feed,
    /// How other services are told of changes.
    pub webhooks: Webhooks,
    /// Named sets of scopes.
    pub roles: BTreeMap<String, Scopes>,
    /// How long events are kept.
    pub audit: Audit,
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
    /// As in development, on loopback only, and the sample passwords are accepted.
    Demo,
}

/// Where the service listens and how it is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on.
    pub bind: SocketAddr,
    /// The address that clients use, without a trailing slash unless the issuer shall have one; may be empty.
    pub public_url: String,
    /// Networks of the proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Further origins whose pages may call it, with the cookie too, and open a WebSocket.
    pub allowed_origins: Vec<String>,
    /// How long running requests may take to finish after a signal to stop.
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    /// A connection is closed on which no further request has arrived for so long.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
}

/// How browsers keep the refresh token, where a cookie is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cookies {
    /// The domain whose hosts all get the cookie; empty: the host that has set it, and no other.
    pub domain: String,
    /// Which requests from other sites carry it.
    pub same_site: SameSite,
}

/// Which requests that another site has caused carry a cookie (RFC 6265bis section 5.6.7). There is no `None`: no such
/// request may use the cookie here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SameSite {
    /// None.
    Strict,
    /// Following a link.
    Lax,
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

/// What tokens are like.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Signs access tokens.
    pub algorithm: SigningAlgorithm,
    /// Who access tokens are for.
    pub audience: String,
    /// Further audiences that people may sign in for.
    pub further_audiences: Vec<String>,
    /// What the tokens for an audience may allow; everything for one that is not listed.
    pub audience_scopes: Vec<ScopesOfAudience>,
    /// Life of an access token.
    #[serde(with = "humantime_serde")]
    pub access_lifetime: Duration,
    /// A session ends when it was not refreshed for this long.
    #[serde(with = "humantime_serde")]
    pub idle_lifetime: Duration,
    /// A session ends in any case after this long.
    #[serde(with = "humantime_serde")]
    pub session_lifetime: Duration,
    /// A signing key is replaced when it is this old; 0: never.
    #[serde(with = "humantime_serde")]
    pub key_rotation: Duration,
    /// How long a new signing key is published before it signs.
    #[serde(with = "humantime_serde")]
    pub key_publish_lead: Duration,
    /// Whether keys of an algorithm that is no longer the configured one stay published until they are retired.
    pub publish_all_algorithms: bool,
}

/// A signature algorithm for access tokens (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SigningAlgorithm {
    /// ECDSA over P-256 with SHA-256: accepted by nearly every verifier.
    ES256,
    /// Ed25519.
    EdDSA,
    /// RSA of 2048 bits, PKCS #1 v1.5, with SHA-256: accepted by every verifier, slow to sign.
    RS256,
    /// HMAC with SHA-256: the key is never published, so only auth-graph can verify.
    HS256,
}

/// The paths of django-easyjwt's authentication service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rest {
    /// Whether they are there.
    pub enabled: bool,
    /// Whether anybody can make an account there, and is told that an address has one.
    pub create_user: bool,
}

/// How passwords are hashed: argon2id on threads of their own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passwords {
    /// Threads that hash; 0: one for each core.
    pub threads: usize,
    /// Niceness of these threads.
    pub nice: i32,
    /// Log-ins that may wait for a thread.
    pub queue: usize,
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// What a new password must score at least.
    pub min_score: u8,
    /// A file of hashes of passwords that must not be used.
    pub breached_list: PathBuf,
    /// A service that knows passwords that must not be used; empty: none.
    pub breached_url: String,
    /// How long its answer is waited for.
    #[serde(with = "humantime_serde")]
    pub breached_timeout: Duration,
}

/// How many failed log-ins are heard: a burst, and then one in each interval.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Burst of one account.
    pub account_attempts: u32,
    /// Interval of one account.
    #[serde(with = "humantime_serde")]
    pub account_interval: Duration,
    /// Burst of one client network.
    pub network_attempts: u32,
    /// Interval of one client network.
    #[serde(with = "humantime_serde")]
    pub network_interval: Duration,
    /// Burst of mails to one address.
    pub mail_burst: u32,
    /// Interval of mails to one address.
    #[serde(with = "humantime_serde")]
    pub mail_interval: Duration,
}

/// How long events are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Those of the audit log.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
    /// Those of signing in.
    #[serde(with = "humantime_serde")]
    pub login_event_retention: Duration,
}

/// How the service looks to whoever composes it into a supergraph.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federation {
    /// Whether `_service` tells of the directives about access. The rules hold either way.
    pub access_directives: bool,
}

/// How long the change feed goes back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// How long a change is kept.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
}

/// What is logged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// In the syntax of tracing's `EnvFilter`.
    pub filter: String,
}

/// A secret or a list of secrets. What is neither is refused without being shown, as serde would.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "must be a list of secrets in base64")]
    enum OneOrMany {
        One(SecretString),
        Many(Vec<SecretString>),
    }
    OneOrMany::deserialize(deserializer).map(|found| match found {
        OneOrMany::One(secret) => vec![secret],
        OneOrMany::Many(secrets) => secrets,
    })
}

impl SigningAlgorithm {
    /// The name in the JOSE registry, as it stands in `alg`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::RS256 => "RS256",
            Self::HS256 => "HS256",
        }
    }
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// [`Problems`], all of them: unknown keys, values of the wrong kind, and broken rules.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        sources.load(&LAYOUT, Self::check)
    }

    /// The master secret, which is made at the first start unless it is configured, and those before it.
    ///
    /// # Errors
    /// When their file can not be read or written, others can read it, or it does not hold good secrets.
    pub fn secrets(&self) -> io::Result<Secrets> {
        Secrets::load(&self.secret, &self.previous_secrets, &self.secret_file())
    }

    /// Puts a new secret into the file and keeps the one before for a while. The answer is the time until which.
    ///
    /// # Errors
    /// As [`Self::secrets`].
    pub fn rotate_secret(&self, now: DateTime<Utc>, window: chrono::Duration) -> io::Result<DateTime<Utc>> {
        Secrets::rotate(&self.secret_file(), now, window)
    }

    fn secret_file(&self) -> PathBuf {
        self.data_dir.join("secret")
    }

    /// The issuer of tokens: the public address to the byte, or the address that it listens on.
    #[must_use]
    pub fn issuer(&self) -> String {
        if self.server.public_url.is_empty() {
            format!("http://{}", self.server.bind)
        } else {
            self.server.public_url.clone()
        }
    }

    /// Whether people may sign in for this audience.
    #[must_use]
    pub fn serves_audience(&self, audience: &str) -> bool {
        self.tokens.audience == audience || self.tokens.further_audiences.iter().any(|further| further == audience)
    }

    /// Those of these scopes that a token for this audience may hold.
    #[must_use]
    pub fn scopes_for(&self, audience: &str, scopes: Scopes) -> Scopes {
        match self.tokens.audience_scopes.iter().find(|listed| listed.audience == audience) {
            Some(listed) => scopes.intersection(&listed.scopes),
            None => scopes,
        }
    }

    /// Whether pages of this origin may act for a signed-in user: our own, and those that are listed.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.server.allowed_origins.iter().any(|allowed| allowed == origin)
            || Url::parse(&self.issuer()).is_ok_and(|url| url.origin().ascii_serialization() == origin)
    }

    /// The public address of a path that starts with a slash.
    #[must_use]
    pub fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.issuer().trim_end_matches('/'))
    }
}
