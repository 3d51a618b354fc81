//! App: the components that a use case needs, built once and shared.

use std::ops::Deref;
use std::path::PathBuf;
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
use store::Commits;

/// A cheap handle to the components.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The components that a use case needs.
#[derive(Debug)]
pub struct Parts {
    /// Validated configuration.
    pub config: Config,
    /// Database connection.
    pub db: DatabaseConnection,
    /// Connection to the same database with commits that do not wait for the disk. It is for data that may be lost when
    /// the machine fails: generations of refresh tokens and counted attempts. Data of the outbox is never written with
    /// it.
    pub relaxed_db: DatabaseConnection,
    /// Source of the current time.
    pub clock: Clock,
    /// Keys that sign access tokens.
    pub keyring: Keyring,
    /// Issuer and verifier of access tokens.
    pub access_tokens: AccessTokens,
    /// Policy that decides which attributes of a user become claims.
    pub claims_policy: ClaimsPolicy,
    /// External service that adds claims, if configured.
    pub claims_hook: Option<ClaimsHook>,
    /// Issuer and reader of refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Cache of the service clients that have authenticated recently.
    pub known_clients: KnownClients,
    /// Issuer and verifier of the tokens that prove that a request with the cookie comes from our page.
    pub csrf_tokens: CsrfTokens,
    /// Threads that hash passwords.
    pub passwords: PasswordPool,
    /// Sessions that ended recently.
    pub revocations: Revocations,
    /// Encoder and decoder of the cursors of lists.
    pub cursors: Cursors,
    /// External service that knows passwords from breaches, if configured.
    pub breached_passwords: Option<BreachedPasswords>,
    /// Schema of `metadata`, if configured.
    pub metadata_schema: Option<JsonSchema>,
    /// Schema of the metadata that only administrators see, if configured.
    pub private_metadata_schema: Option<JsonSchema>,
    /// Component that writes and sends mails.
    pub mailer: Mailer,
    /// Notification that a mail waits to be sent.
    pub mail_waits: Notify,
    /// Cipher for the secrets of webhooks.
    pub webhook_secrets: WebhookSecrets,
    /// HTTP client that calls the endpoints of webhooks.
    pub egress: Egress,
    /// Notification that deliveries to webhook endpoints may be waiting.
    pub webhooks_wait: Notify,
    /// Metrics of this process.
    pub metrics: Metrics,
    /// Channel that passes changes read from the outbox to the feed subscribers in this process.
    pub announcements: Announcements,
    /// Notification that this process has written a change.
    pub changed: Arc<Notify>,
}

impl App {
    /// Opens the database and builds the components. It runs no migrations and loads no keys: see `auth::boot`.
    ///
    /// # Errors
    /// When the secret cannot be read, the database cannot be reached or a thread cannot be started.
    pub async fn build(config: Config, clock: Clock) -> Result<Self> {
        let secrets = config.secrets().map_err(Error::internal)?;
        let (url, most) = (database_url(&config)?, config.database.max_connections);
        let open = async |commits| {
            let db = store::connect(&url, most, commits).await;
            db.map_err(|error| unopened(&config, &error))
        };
        let db = open(Commits::Durable).await?;
        let relaxed_db = match db.get_database_backend() {
            DbBackend::Sqlite => open(Commits::Relaxed).await?,
            _ => db.clone(),
        };
        let published = match config.tokens.publish_all_algorithms {
            true => Published::AllAlgorithms,
            false => Published::OneAlgorithm,
        };
        Ok(Self(Arc::new(Parts {
            keyring: Keyring::new(&secrets, config.tokens.algorithm, published),
            access_tokens: AccessTokens::new(config.issuer(), config.tokens.audience.clone()),
            claims_policy: ClaimsPolicy::new(config.claims.clone()),
            claims_hook: ClaimsHook::new(&config.claims.hook)?,
            refresh_tokens: RefreshTokens::new(&secrets, clock.clone()),
            known_clients: KnownClients::default(),
            csrf_tokens: CsrfTokens::new(&secrets, clock.clone()),
            passwords: PasswordPool::start(&config.passwords)?,
            revocations: Revocations::new(config.tokens.access_lifetime),
            cursors: Cursors::new(&secrets, clock.clone()),
            breached_passwords: BreachedPasswords::new(&config.passwords)?,
            metadata_schema: Config::schema(&config.accounts.metadata_schema).map_err(Error::internal)?,
            private_metadata_schema: Config::schema(&config.accounts.private_metadata_schema)
                .map_err(Error::internal)?,
            mailer: Mailer::new(&config)?,
            mail_waits: Notify::new(),
            webhook_secrets: WebhookSecrets::new(&secrets),
            egress: Egress::new(&config.webhooks)?,
            webhooks_wait: Notify::new(),
            metrics: Metrics::new(),
            announcements: Announcements::new(),
            changed: Arc::default(),
            config,
            db,
            relaxed_db,
            clock,
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
        "" => embedded(config).display().to_string(),
        _ => "database.url".to_owned(),
    };
    Error::unavailable(format!("{place}: {}", store::describe_connect_error(error)))
}

fn embedded(config: &Config) -> PathBuf {
    config.data_dir.join("auth-graph.sqlite")
}

/// Returns the URL of the configured database, or of the embedded one in the data folder.
fn database_url(config: &Config) -> Result<SecretString> {
    if !config.database.url.expose_secret().is_empty() {
        return Ok(config.database.url.clone());
    }
    settings::sqlite_url(&embedded(config)).map_err(Error::internal)
}
