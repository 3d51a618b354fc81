//! Starting and housekeeping: from a configuration to an [`App`] that is ready to serve, and the deletion of old rows.

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::{audit, feed, keys, mail, sessions, webhooks};
use model::clock::Clock;
use model::config::Config;
use model::error::{Error, Result};

/// Builds App, brings the database up to date, and loads keys and recent revocations: ready to serve.
///
/// # Errors
/// When the secret or the database cannot be read, or a key cannot be opened.
pub async fn boot(config: Config, clock: Clock) -> Result<App> {
    loop {
        let secrets = config.secrets().map_err(Error::internal)?;
        let started = start(config.clone(), clock.clone()).await;
        // Another process may replace the secret between our look at it and our look at the keys, which are encrypted
        // under the new one by then.
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
    /// There is a key to sign with.
    pub keys: bool,
}

/// Looks whether requests can be served.
pub async fn readiness(app: &App) -> Readiness {
    let pending = store::pending_migrations(&app.db).await;
    Readiness {
        database: pending.is_ok(),
        migrations: matches!(pending, Ok(0)),
        keys: app.tokens.keyring.current().signing(app.clock.now()).is_some(),
    }
}

/// Deletes what no longer matters: counters that are free, revocations whose last token has expired, sessions, events,
/// changes and deliveries that were kept for long enough.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<()> {
    app.tokens.revocations.purge(now);
    // A day longer than they matter, so that a clock that is ahead deletes nothing that is asked for when it is right.
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
