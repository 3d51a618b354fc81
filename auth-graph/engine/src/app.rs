//! App: the parts that a use case needs, built once and shared.

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

/// A cheap handle to the parts.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// Everything that a use case needs.
#[derive(Debug)]
pub struct Parts {
    /// The configuration, checked.
    pub config: Config,
    /// The database.
    pub db: DatabaseConnection,
    /// The same database with commits that do not wait for the disk. It is for data that may be lost when the machine
    /// fails: generations of refresh tokens and counted attempts. Nothing that is in the outbox is written with it.
    pub relaxed_db: DatabaseConnection,
    /// The time.
    pub clock: Clock,
    /// The keys that sign access tokens.
    pub keyring: Keyring,
    /// Makes and checks access tokens.
    pub access_tokens: AccessTokens,
    /// Which attributes of a user become claims.
    pub claims_policy: ClaimsPolicy,
    /// Who else is asked for claims.
    pub claims_hook: Option<ClaimsHook>,
    /// Makes and reads refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// The service clients that have authenticated of late.
    pub known_clients: KnownClients,
    /// Makes and checks what proves that a request with the cookie comes from our page.
    pub csrf_tokens: CsrfTokens,
    /// Hashes passwords.
    pub passwords: PasswordPool,
    /// The sessions that were ended a short while ago.
    pub revocations: Revocations,
    /// Makes and reads the cursors of lists.
    pub cursors: Cursors,
    /// Who else is asked whether a password is known from a breach.
    pub breached_passwords: Option<BreachedPasswords>,
    /// What `metadata` must be like.
    pub metadata_schema: Option<JsonSchema>,
    /// What the metadata must be like that only administrators see.
    pub private_metadata_schema: Option<JsonSchema>,
    /// Writes mails and hands them over.
    pub mailer: Mailer,
    /// Rings when a mail waits to be sent.
    pub mail_waits: Notify,
    /// Encrypts and opens the secrets of webhooks.
    pub webhook_secrets: WebhookSecrets,
    /// Calls the endpoints of webhooks.
    pub egress: Egress,
    /// Rings when endpoints of webhooks may have something to be told.
    pub webhooks_wait: Notify,
    /// Counts what happens.
    pub metrics: Metrics,
    /// Tells the subscribers of the feed in this process what was read from the outbox.
    pub announcements: Announcements,
    /// Rings when this process has written a change.
    pub changed: Arc<Notify>,
}

impl App {
    /// Opens the database and builds the parts. Nothing is migrated, and no keys are loaded yet: see `auth::boot`.
    ///
    /// # Errors
    /// When the secret can not be read, the database can not be reached or a thread can not be started.
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

/// Which database could not be opened, without its URL: that may hold a password.
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

/// The configured database, or the embedded one in the data folder.
fn database_url(config: &Config) -> Result<SecretString> {
    if !config.database.url.expose_secret().is_empty() {
        return Ok(config.database.url.clone());
    }
    settings::sqlite_url(&embedded(config)).map_err(Error::internal)
}
