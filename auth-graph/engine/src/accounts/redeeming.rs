//! Using one-time tokens. Each is for one purpose and one address, and has one effect however many try at once.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use secrecy::SecretString;

use super::UserEdit;
use crate::app::App;
use crate::callers::Actor;
use crate::callers::Device;
use crate::limits::{Attempt, LimitedAction};
use credentials::one_time_tokens as secrets;
use model::error::{Error, Result};
use model::values::UserId;
use store::one_time_tokens as tokens;
use store::one_time_tokens::{Model, Purpose};

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
    let attempt =
        Attempt::take(&app.relaxed_db, &app.config.limits, LimitedAction::OneTimeToken, device.address, now).await?;
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

/// Begins to change the user whom a token was sent to, who may have been deleted or disabled since.
///
/// # Errors
/// [`Error::OneTimeTokenInvalid`] in that case.
pub(super) async fn begin<'a>(app: &'a App, actor: &'a Actor, id: UserId) -> Result<UserEdit<'a>> {
    match UserEdit::begin(app, actor, id).await {
        Ok(edit) if edit.account.user.is_active => Ok(edit),
        Ok(_) | Err(Error::NotFound) => Err(Error::OneTimeTokenInvalid),
        Err(error) => Err(error),
    }
}
