//! Proof of identity, required before operations for which a stolen token must not suffice.

use crate::app::App;
use crate::callers::Device;
use crate::callers::Principal;
use crate::comparing::{self, Claim};
use model::error::{Error, Reason, Result};
use model::values::Password;
use store::users;

/// Returns the user of the caller, once they have given their password or when they have signed in recently. The API
/// names the argument with the password `field`.
///
/// # Errors
/// [`Error::ReauthenticationRequired`] when the sign-in is too long ago and no password was given;
/// [`Error::WrongPassword`] for a wrong one; [`Error::RateLimited`] after too many wrong ones.
pub(super) async fn prove(
    app: &App,
    principal: &Principal,
    password: Option<&Password>,
    field: &'static str,
    device: &Device,
) -> Result<users::Model> {
    let user = user_of(app, principal).await?;
    match password {
        Some(password) => {
            let claim = Claim::Proof { user: &user, principal, field };
            let give_back = async |right: comparing::Right| right.attempt.give_back(&app.relaxed_db).await;
            comparing::compare(app, claim, password, device, give_back).await?;
        }
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
/// [`Error::Denied`] for a service client; [`Error::TokenRevoked`] when the user no longer exists.
pub(super) async fn user_of(app: &App, principal: &Principal) -> Result<users::Model> {
    let user = principal.user().ok_or(Error::Denied(Reason::UserRequired))?;
    users::find(&app.db, user).await?.ok_or(Error::TokenRevoked)
}
