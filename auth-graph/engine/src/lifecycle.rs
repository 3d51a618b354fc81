//! Builds an [`App`] that is ready to serve from a configuration, and deletes old rows.

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::{audit, feed, keys, mail, sessions, webhooks};
use model::clock::Clock;
use model::config::Config;
use model::error::{Error, Result};

/// Builds the app, migrates the database, and loads the keys and the recent revocations.
///
/// # Errors
/// When the secret or the database cannot be read, or a key cannot be decrypted.
pub async fn boot(config: Config, clock: Clock) -> Result<App> {
    loop {
        let secrets = config.secrets().map_err(Error::internal)?;
        let started = start(config.clone(), clock.clone()).await;
        // Another process may replace the secret after it was read here and before the keys are read. The keys are then
        // encrypted under the new secret.
        if started.is_ok()
            || config.secrets().map_err(Error::internal)?.current.as_bytes() == secrets.current.as_bytes()
        {
            return started;
        }
    }
}

async fn start(config: Config, clock: Clock) -> Result<App> {
    let app = App::build(config, clock).await?;
    store::migrate(&app.db).await?;
    keys::load(&app).await?;
    keys::reseal(&app).await?;
    feed::outbox::prime(&app).await?;
    Ok(app)
}

/// The parts that a service needs to serve requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The database answers.
    pub database: bool,
    /// Every migration has run.
    pub migrations: bool,
    /// There is a key that signs.
    pub keys: bool,
}

/// Checks whether requests can be served.
pub async fn readiness(app: &App) -> Readiness {
    let pending = store::pending_migrations(&app.db).await;
    Readiness {
        database: pending.is_ok(),
        migrations: matches!(pending, Ok(0)),
        keys: app.tokens.keyring.current().signing(app.clock.now()).is_some(),
    }
}

/// Deletes rows that are no longer needed: unused counters, revocations whose last token has expired, and sessions,
/// events, changes and deliveries after their retention time.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<()> {
    app.tokens.revocations.purge(now);
    // They are kept for one more day: a clock that is ahead must not delete a row that is still needed.
    store::revoked_tokens::purge(&app.db, app.tokens.revocations.horizon(now) - chrono::Duration::days(1)).await?;
    store::one_time_tokens::purge(&app.db, now).await?;
    mail::purge(app, now).await?;
    store::rate_limits::purge(&app.db, now.timestamp_micros()).await?;
    audit::purge(app).await?;
    audit::login_events::purge(app).await?;
    sessions::purge(app, now).await?;
    feed::purge(app, now).await?;
    webhooks::purge(app, now).await?;
    Ok(())
}
