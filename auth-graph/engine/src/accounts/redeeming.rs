//! Redeeming one-time tokens. Each token is for one purpose and one address, and has one effect, however many requests
//! use it concurrently.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Iterable};
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

/// Finds a token. It counts as an attempt of the caller's network until it is used.
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

/// Returns a token of any purpose that was not used, without using it up. Only a wrong token costs the caller's network
/// an attempt.
///
/// # Errors
/// [`Error::RateLimited`].
pub async fn inspect(app: &App, token: &SecretString, device: &Device) -> Result<Option<Model>> {
    let purposes: Vec<Purpose> = Purpose::iter().collect();
    match find(app, token, &purposes, device).await {
        Ok(Found { token, attempt }) => {
            attempt.give_back(&app.relaxed_db).await?;
            Ok(Some(token))
        }
        Err(Error::OneTimeTokenInvalid) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Found {
    /// Uses the token up, in the transaction of its purpose. The caller locks the user's row first, where there is a
    /// user.
    ///
    /// # Errors
    /// [`Error::OneTimeTokenInvalid`] when another request was faster.
    pub(super) async fn consume(&self, txn: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<()> {
        if !tokens::consume(txn, &self.token.hash, now).await? {
            return Err(Error::OneTimeTokenInvalid);
        }
        self.attempt.give_back(txn).await
    }
}

/// Starts a change to the user to whom a token was sent.
///
/// # Errors
/// [`Error::OneTimeTokenInvalid`] when the user was deleted or disabled since.
pub(super) async fn begin<'a>(
    app: &'a App,
    actor: &'a Actor,
    txn: &'a DatabaseTransaction,
    id: UserId,
) -> Result<UserEdit<'a>> {
    match UserEdit::begin(app, actor, txn, id).await {
        Ok(edit) if edit.account.user.is_active => Ok(edit),
        Ok(_) | Err(Error::NotFound) => Err(Error::OneTimeTokenInvalid),
        Err(error) => Err(error),
    }
}
