//! App: the components that a use case needs, built once and shared.

use std::ops::Deref;
use std::sync::Arc;

use sea_orm::{DatabaseConnection, DbBackend, DbErr};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;

use crate::announcements::Announcements;
use crate::caches::clients::KnownClients;
use crate::claims::policy::ClaimsPolicy;
use crate::egress::Egress;
use crate::egress::breached_passwords::BreachedPasswords;
use crate::egress::claims_hook::ClaimsHook;
use crate::history::History;
use crate::mailer::Mailer;
use crate::metrics::Metrics;
use credentials::keyring::Published;
use credentials::{
    AccessTokens, CsrfTokens, Cursors, Keyring, PasswordPool, RefreshTokens, Revocations, WebhookSecrets,
};
use model::clock::Clock;
use model::config::Config;
use model::error::{Error, Result};
use model::values::JsonSchema;
use store::{Bounds, Commits};

/// Number of connections for following the outbox and checking tokens.
const LIVE_CONNECTIONS: u32 = 4;

/// A cheap handle to the components.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The components that a use case needs, in groups by what they are for.
#[derive(Debug)]
pub struct Parts {
    /// Validated configuration.
    pub config: Config,
    /// Source of the current time.
    pub clock: Clock,
    /// Database connection.
    pub db: DatabaseConnection,
    /// Connection to the same database with commits that do not wait for the disk. It is for data that may be lost when
    /// the machine fails: generations of refresh tokens and counted attempts. Data of the outbox is never written with
    /// it.
    pub relaxed_db: DatabaseConnection,
    /// Connections to the same database for following the outbox and checking tokens. Log-ins cannot use them up.
    pub live_db: DatabaseConnection,
    /// Metrics of this process.
    pub metrics: Metrics,
    /// Encoder and decoder of the cursors of lists.
    pub cursors: Cursors,
    /// Cache of the service clients that have authenticated recently.
    pub known_clients: KnownClients,
    /// Issuing, verification and revocation of tokens.
    pub tokens: Tokens,
    /// Claims of access tokens in addition to the standard ones.
    pub claims: Claims,
    /// Hashing and rules of passwords.
    pub passwords: Passwords,
    /// Schemas of the metadata of users.
    pub metadata: Metadata,
    /// Change feed within this process.
    pub feed: Feed,
    /// Outgoing mail.
    pub mail: Mail,
    /// Webhooks.
    pub webhooks: Webhooks,
}

/// Issuing, verification and revocation of tokens.
#[derive(Debug)]
pub struct Tokens {
    /// Keys that sign access tokens.
    pub keyring: Keyring,
    /// Issuer and verifier of access tokens.
    pub access: AccessTokens,
    /// Issuer and reader of refresh tokens.
    pub refresh: RefreshTokens,
    /// Issuer and verifier of the tokens that prove that a request with the cookie comes from our page.
    pub csrf: CsrfTokens,
    /// Sessions that ended recently.
    pub revocations: Revocations,
}

/// Claims of access tokens in addition to the standard ones.
#[derive(Debug)]
pub struct Claims {
    /// Policy that decides which attributes of a user become claims.
    pub policy: ClaimsPolicy,
    /// External service that adds claims, if configured.
    pub hook: Option<ClaimsHook>,
}

/// Hashing and rules of passwords.
#[derive(Debug)]
pub struct Passwords {
    /// Threads that hash passwords.
    pub pool: PasswordPool,
    /// External service that knows passwords from breaches, if configured.
    pub breached: Option<BreachedPasswords>,
}

/// Schemas of the metadata of users.
#[derive(Debug)]
pub struct Metadata {
    /// Schema of `metadata`, if configured.
    pub schema: Option<JsonSchema>,
    /// Schema of the metadata that only administrators see, if configured.
    pub private_schema: Option<JsonSchema>,
}

/// Change feed within this process.
#[derive(Debug)]
pub struct Feed {
    /// Channel that passes changes read from the outbox to the feed subscribers in this process.
    pub announcements: Announcements,
    /// Notification that this process has written a change.
    pub written: Arc<Notify>,
    /// History of the outbox, which cursors name.
    pub history: History,
}

/// Outgoing mail.
#[derive(Debug)]
pub struct Mail {
    /// Component that writes and sends mails.
    pub mailer: Mailer,
    /// Notification that a mail waits to be sent.
    pub waiting: Notify,
}

/// Webhooks.
#[derive(Debug)]
pub struct Webhooks {
    /// Cipher for the secrets of endpoints.
    pub secrets: WebhookSecrets,
    /// HTTP client that calls the endpoints.
    pub egress: Egress,
    /// Notification that deliveries to endpoints may be waiting.
    pub waiting: Notify,
}

impl App {
    /// Opens the database and builds the components. It runs no migrations and loads no keys: see [`crate::boot`].
    ///
    /// # Errors
    /// When the secret cannot be read, the database cannot be reached or a thread cannot be started.
    pub async fn build(config: Config, clock: Clock) -> Result<Self> {
        let secrets = config.secrets().map_err(Error::internal)?;
        let (url, most) = (database_url(&config)?, config.database.max_connections);
        let bounds = Bounds {
            statement: config.database.statement_timeout,
            lock: config.database.lock_timeout,
            idle_in_transaction: config.database.idle_in_transaction_timeout,
        };
        let open = async |most, commits| {
            let db = store::connect(&url, most, commits, bounds).await;
            db.map_err(|error| unopened(&config, &error))
        };
        let db = open(most, Commits::Durable).await?;
        let relaxed_db = match db.get_database_backend() {
            DbBackend::Sqlite => open(most, Commits::Relaxed).await?,
            _ => db.clone(),
        };
        let live_db = open(LIVE_CONNECTIONS, Commits::Durable).await?;
        let published = match config.tokens.publish_all_algorithms {
            true => Published::AllAlgorithms,
            false => Published::OneAlgorithm,
        };
        Ok(Self(Arc::new(Parts {
            tokens: Tokens {
                keyring: Keyring::new(&secrets, config.tokens.algorithm, published),
                access: AccessTokens::new(config.issuer(), config.tokens.audience.clone()),
                refresh: RefreshTokens::new(&secrets, clock.clone()),
                csrf: CsrfTokens::new(&secrets, clock.clone()),
                revocations: Revocations::new(config.tokens.access_lifetime),
            },
            claims: Claims {
                policy: ClaimsPolicy::new(config.claims.clone()),
                hook: ClaimsHook::new(&config.claims.hook)?,
            },
            passwords: Passwords {
                pool: PasswordPool::start(&config.passwords)?,
                breached: BreachedPasswords::new(&config.passwords)?,
            },
            metadata: Metadata {
                schema: Config::schema(&config.accounts.metadata_schema).map_err(Error::internal)?,
                private_schema: Config::schema(&config.accounts.private_metadata_schema).map_err(Error::internal)?,
            },
            feed: Feed { announcements: Announcements::new(), written: Arc::default(), history: History::default() },
            mail: Mail { mailer: Mailer::new(&config)?, waiting: Notify::new() },
            webhooks: Webhooks {
                secrets: WebhookSecrets::new(&secrets),
                egress: Egress::new(&config.webhooks)?,
                waiting: Notify::new(),
            },
            known_clients: KnownClients::default(),
            cursors: Cursors::new(&secrets, clock.clone()),
            metrics: Metrics::new(),
            config,
            clock,
            db,
            relaxed_db,
            live_db,
        })))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Returns the error for a database that could not be opened. It names the database without its URL, which may contain
/// a password.
fn unopened(config: &Config, error: &DbErr) -> Error {
    let place = match config.database.url.expose_secret() {
        "" => config.embedded_database().display().to_string(),
        _ => "database.url".to_owned(),
    };
    Error::unavailable(format!("{place}: {}", store::describe_connect_error(error)))
}

/// Returns the URL of the configured database, or of the embedded one in the data folder.
fn database_url(config: &Config) -> Result<SecretString> {
    if !config.database.url.expose_secret().is_empty() {
        return Ok(config.database.url.clone());
    }
    settings::sqlite_url(&config.embedded_database()).map_err(Error::internal)
}
