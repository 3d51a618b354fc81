//! Proof of identity, required before operations for which a stolen token must not suffice.

use secrecy::SecretString;

use super::Account;
use crate::app::App;
use crate::callers::Device;
use crate::callers::Principal;
use crate::limits::{self, LimitedAction};
use model::error::{Error, Reason, Result};
use store::users;

/// Returns the user of the caller, once they have given their password or when they have signed in recently.
///
/// # Errors
/// [`Error::ReauthenticationRequired`] when the sign-in is too long ago and no password was given;
/// [`Error::InvalidCredentials`] for a wrong one; [`Error::RateLimited`] after too many wrong ones, log-ins included.
pub(super) async fn prove(
    app: &App,
    principal: &Principal,
    password: Option<&SecretString>,
    device: &Device,
) -> Result<users::Model> {
    let user = user_of(app, principal).await?;
    match password {
        Some(password) => check_password(app, &user, password, device).await?,
        None => {
            let window = app.config.accounts.recent_sign_in;
            let age = app.clock.now().timestamp() - principal.claims().auth_time;
            if age >= window.num_seconds() {
                return Err(Error::ReauthenticationRequired);
            }
        }
    }
    Ok(user)
}

/// Returns the user of the caller.
///
/// # Errors
/// [`Error::Forbidden`] for a service client; [`Error::TokenRevoked`] when the user no longer exists.
pub(super) async fn user_of(app: &App, principal: &Principal) -> Result<users::Model> {
    let user = principal.user().ok_or(Error::Denied(Reason::UserRequired))?;
    users::find(&app.db, user).await?.ok_or(Error::TokenRevoked)
}

/// Compares the password, and counts the attempt like an attempt to sign in.
///
/// # Errors
/// [`Error::InvalidCredentials`], [`Error::RateLimited`], [`Error::Unavailable`] when too many passwords are being
/// hashed.
pub(super) async fn check_password(
    app: &App,
    user: &users::Model,
    password: &SecretString,
    device: &Device,
) -> Result<()> {
    let place = app.passwords.pool.reserve()?;
    limits::attempt(app, LimitedAction::Password(&user.email), device.address, async |attempt| {
        let account = Account::of(&app.db, user.clone()).await?;
        let hash = account.password().map(|password| password.secret.as_str());
        if !place.verify(password, hash, None).await? {
            return Err(Error::InvalidCredentials);
        }
        attempt.give_back(&app.relaxed_db).await
    })
    .await
}
