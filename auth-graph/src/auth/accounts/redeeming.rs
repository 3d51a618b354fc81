//! Using one-time tokens. Each is for one purpose and one address, and has one effect however many try at once.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use secrecy::SecretString;

use crate::app::App;
use crate::auth::sessions::Device;
use crate::credentials::one_time_tokens as secrets;
use crate::error::{Error, Result};
use crate::limits::Attempt;
use crate::store::one_time_tokens::{self as tokens, Model, Purpose};

/// A token that was found and is not used yet.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) token: Model,
    attempt: Attempt,
}

/// Looks a token up. It is counted as an attempt of the caller's network until it is used.
///
/// # Errors
/// [`Error::OneTimeTokenInvalid`] when there is none for these purposes; [`Error::RateLimited`].
pub(super) async fn find(app: &App, token: &SecretString, purposes: &[Purpose], device: &Device) -> Result<Found> {
    let now = app.clock.now();
    let attempt = Attempt::take_for_token(&app.db, &app.config.limits, device.address, now).await?;
    let found = tokens::find(&app.db, &secrets::hash(token), purposes, now).await?;
    let token = found.ok_or(Error::OneTimeTokenInvalid)?;
    Ok(Found { token, attempt })
}

impl Found {
    /// Uses the token up, in the transaction of what it is for. Lock the user's row before, where there is a user.
    ///
    /// # Errors
    /// [`Error::OneTimeTokenInvalid`] when somebody else was faster.
    pub(super) async fn consume(self, txn: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<()> {
        if !tokens::consume(txn, &self.token.hash, now).await? {
            return Err(Error::OneTimeTokenInvalid);
        }
        self.attempt.give_back(txn).await
    }
}
