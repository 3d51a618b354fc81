//! Builds an [`App`] that is ready to serve from a configuration, and deletes old rows.

use chrono::{DateTime, Duration, Utc};

use crate::app::App;
use crate::{audit, feed, keys, limits, mail, sessions, webhooks};
use model::clock::Clock;
use model::config::Config;
use model::error::{Error, Result};
use model::values::TokenId;

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
    /// The database accepts changes. It does not after a failover to a standby that was not promoted.
    pub writable: bool,
    /// Every migration has run.
    pub migrations: bool,
    /// There is a key that signs.
    pub keys: bool,
    /// The clock agrees with that of the database.
    pub clock: bool,
}

/// Longest time to find out whether requests can be served. A probe must not wait for a database that does not answer.
const READINESS_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);
/// Largest difference to the clock of the database. With a larger one, tokens of this replica are rejected by others.
const CLOCK_TOLERANCE: Duration = Duration::seconds(30);

/// Checks whether requests can be served.
pub async fn readiness(app: &App) -> Readiness {
    let asked = async {
        let pending = store::pending_migrations(&app.live_db).await?;
        Ok((pending, is_clock_right(app).await?, store::is_read_only(&app.live_db).await?))
    };
    let answer: Result<(usize, bool, bool)> = match tokio::time::timeout(READINESS_TIMEOUT, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::unavailable("the database does not answer")),
    };
    Readiness {
        database: answer.is_ok(),
        migrations: matches!(answer, Ok((0, ..))),
        clock: matches!(answer, Ok((_, true, _))),
        writable: matches!(answer, Ok((.., false))),
        keys: app.tokens.keyring.current().signing(app.clock.now()).is_some(),
    }
}

/// Returns whether the clock of this process agrees with that of the database.
async fn is_clock_right(app: &App) -> Result<bool> {
    let there = store::clock(&app.live_db).await?;
    Ok(there.is_none_or(|there| (app.clock.now() - there).abs() <= CLOCK_TOLERANCE))
}

/// Kinds of rows that are deleted, each by one replica at a time.
#[derive(Clone, Copy, Debug)]
enum Round {
    /// Rows that expire soon after they were written.
    Expired,
    /// Rows that are kept for days. Finding them means looking at every older row that is still needed.
    Retained,
}

impl Round {
    fn lease(self) -> &'static str {
        match self {
            Self::Expired => "housekeeping of expired rows",
            Self::Retained => "housekeeping of retained rows",
        }
    }

    fn interval(self) -> Duration {
        match self {
            Self::Expired => Duration::minutes(1),
            Self::Retained => Duration::hours(1),
        }
    }

    /// Takes the lease of the next round. It is not given back, so that the round after it begins when it is over.
    /// Returns false if a replica has taken it.
    async fn begin(self, app: &App, now: DateTime<Utc>) -> Result<bool> {
        let holder = TokenId::generate(now).to_string();
        Ok(store::leases::take(&app.db, self.lease(), &holder, now, now + self.interval()).await?)
    }

    async fn run(self, app: &App, now: DateTime<Utc>) -> Result<()> {
        match self {
            Self::Expired => {
                // A day longer than they matter, so that a clock that is ahead deletes nothing that is asked for when
                // it is right.
                let horizon = app.tokens.revocations.horizon(now) - Duration::days(1);
                store::revoked_tokens::purge(&app.db, horizon).await?;
                store::one_time_tokens::purge(&app.db, now).await?;
                let forgotten = (now - limits::REMEMBERED).timestamp_micros();
                store::rate_limits::purge(&app.db, now.timestamp_micros(), forgotten).await?;
            }
            Self::Retained => {
                store::months::prepare(&app.db, now).await?;
                mail::purge(app, now).await?;
                audit::purge(app).await?;
                audit::login_events::purge(app).await?;
                sessions::purge(app, now).await?;
                store::known_networks::purge(&app.db, now).await?;
                feed::purge(app, now).await?;
                webhooks::purge(app, now).await?;
            }
        }
        Ok(())
    }
}

/// Forgets revocations whose last token has expired, and deletes old rows if it is time: expired ones each minute, and
/// those that were kept for long enough each hour. A replica whose clock is wrong deletes none, as others may still
/// need them.
///
/// # Errors
/// When the database fails.
pub async fn housekeep(app: &App) -> Result<()> {
    let now = app.clock.now();
    app.tokens.revocations.purge(now);
    if !is_clock_right(app).await? {
        tracing::error!("the clock differs from that of the database by more than 30 seconds: nothing is deleted");
        return Ok(());
    }
    for round in [Round::Expired, Round::Retained] {
        if round.begin(app, now).await? {
            round.run(app, now).await?;
        }
    }
    Ok(())
}

/// Builds the indexes that are missing, and writes what older versions left out.
///
/// # Errors
/// When the database fails.
pub async fn build_indexes(app: &App) -> Result<()> {
    let built = store::indexes::build(&app.db).await?;
    if built > 0 {
        tracing::info!(built, "indexes were built");
    }
    store::user_credentials::place_missing(&app.db).await?;
    Ok(())
}

/// Deletes at once what no longer matters: counters that are free, revocations whose last token has expired, sessions,
/// events, changes and deliveries that were kept for long enough.
///
/// # Errors
/// When the database fails.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<()> {
    app.tokens.revocations.purge(now);
    Round::Expired.run(app, now).await?;
    Round::Retained.run(app, now).await
}
