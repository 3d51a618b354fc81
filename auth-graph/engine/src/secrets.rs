//! Replaces the master secret.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;

use crate::boot;
use model::clock::Clock;
use model::config::Config;
use model::error::{Error, Result};

/// Writes a new secret to the file, keeps the previous one for `window`, and encrypts stored data under the new one.
/// Returns the time until which the previous secret is accepted.
///
/// Running processes use the new secret after their next start.
///
/// # Errors
/// [`Error::Conflict`] when the secret is not kept in a file; when the file or the database cannot be read or written.
pub async fn rotate(config: Config, clock: Clock, window: TimeDelta) -> Result<DateTime<Utc>> {
    if !config.secret.expose_secret().is_empty() {
        return Err(Error::Conflict(
            "The secret is set by the configuration: put a new one into `secret` and the one before into \
             `previous_secrets`.",
        ));
    }
    // The database is checked first: during an outage of it no secret is replaced. Afterwards no stored data depends on
    // the secrets that the file drops.
    boot(config.clone(), clock.clone()).await?;
    let until = config.rotate_secret(clock.now(), window).map_err(Error::internal)?;
    boot(config, clock).await?;
    Ok(until)
}
