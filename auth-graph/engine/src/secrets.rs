//! Replacing the master secret.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;

use crate::boot;
use model::clock::Clock;
use model::config::Config;
use model::error::{Error, Result};

/// Puts a new secret into its file, keeps the one before for a while, and encrypts what is stored under the new one.
/// The answer is the time until which the one before is accepted.
///
/// Processes that run take the new secret when they start the next time.
///
/// # Errors
/// [`Error::Conflict`] when the secret is not kept in a file; when the file or the database can not be read or written.
pub async fn rotate(config: Config, clock: Clock, window: TimeDelta) -> Result<DateTime<Utc>> {
    if !config.secret.expose_secret().is_empty() {
        return Err(Error::Conflict(
            "The secret is set by the configuration: put a new one into `secret` and the one before into \
             `previous_secrets`.",
        ));
    }
    // First, so that nothing is replaced while the database is away. After it nothing depends on the secrets that are
    // dropped from the file.
    boot(config.clone(), clock.clone()).await?;
    let until = config.rotate_secret(clock.now(), window).map_err(Error::internal)?;
    boot(config, clock).await?;
    Ok(until)
}
