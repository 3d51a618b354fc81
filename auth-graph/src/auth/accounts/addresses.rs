//! E-mail addresses: showing that one is yours, and changing it.

use secrecy::SecretString;

use super::redeeming::{self, Found};
use super::{UserEdit, proof, registration};
use crate::app::App;
use crate::auth::Principal;
use crate::auth::mail::{self, Letter};
use crate::auth::sessions::Device;
use crate::error::{Error, Result};
use crate::limits;
use crate::store;
use crate::store::one_time_tokens::{self as tokens, Purpose};
use crate::values::Email;

/// Sends a user a mail that shows that their address is theirs. Nothing is sent when that was shown before.
///
/// # Errors
/// [`Error::Forbidden`] when no mail can be sent; [`Error::RateLimited`].
pub async fn request_verification(app: &App, principal: &Principal, device: &Device) -> Result<()> {
    mail::require(app)?;
    let user = proof::user_of(app, principal).await?;
    let now = app.clock.now();
    limits::take_mail(&app.db, &app.config.limits, &user.email, device.address, now).await?;
    mail::enqueue(app, &app.db, &user.email, None, &Letter::ConfirmAddress { user: user.id }, now).await?;
    app.mail_waits.notify_one();
    Ok(())
}

/// Sends a mail to the address that a user wants to have. It is theirs once they have confirmed it.
///
/// # Errors
/// As [`proof::prove`]; [`Error::Forbidden`] when no mail can be sent; [`Error::RateLimited`].
pub async fn request_change(
    app: &App,
    principal: &Principal,
    email: &Email,
    password: Option<&SecretString>,
    device: &Device,
) -> Result<()> {
    mail::require(app)?;
    let user = proof::prove(app, principal, password, device).await?;
    let now = app.clock.now();
    limits::take_mail(&app.db, &app.config.limits, email, device.address, now).await?;
    mail::enqueue(app, &app.db, email, user.locale, &Letter::ConfirmNewAddress { user: user.id }, now).await?;
    app.mail_waits.notify_one();
    Ok(())
}

/// Takes the token of a mail: completes a registration, a verification or a change of address. The answer is the address
/// that was confirmed.
///
/// # Errors
/// [`Error::OneTimeTokenInvalid`]; [`Error::Conflict`] when the address was taken meanwhile; [`Error::RateLimited`].
pub async fn confirm(app: &App, token: &SecretString, device: &Device) -> Result<Email> {
    let purposes = [Purpose::ConfirmRegistration, Purpose::VerifyEmail, Purpose::ChangeEmail];
    let found = redeeming::find(app, token, &purposes, device).await?;
    let email = found.token.email.clone();
    match found.token.purpose {
        Purpose::ConfirmRegistration => {
            let payload = found.token.payload.clone().unwrap_or_default();
            let registration = serde_json::from_value(payload).map_err(Error::internal)?;
            registration::complete(app, found, registration).await?;
        }
        Purpose::VerifyEmail => {
            let mut edit = begin(app, &found).await?;
            if edit.user.email != email {
                return Err(Error::OneTimeTokenInvalid);
            }
            found.consume(edit.txn(), app.clock.now()).await?;
            edit.user.email_verified = true;
            edit.commit(app).await?;
        }
        _ => {
            let now = app.clock.now();
            let mut edit = begin(app, &found).await?;
            found.consume(edit.txn(), now).await?;
            let former = std::mem::replace(&mut edit.user.email, email.clone());
            edit.user.email_verified = true;
            // Whatever was sent to the former address is of no use any more.
            tokens::delete_of(edit.txn(), edit.user.id).await?;
            mail::enqueue(app, edit.txn(), &former, edit.user.locale.clone(), &Letter::AddressChanged, now).await?;
            edit.commit(app).await?;
            app.mail_waits.notify_one();
        }
    }
    Ok(email)
}

/// Locks the user of a token, who may have been deleted or disabled since.
pub(super) async fn begin(app: &App, found: &Found) -> Result<UserEdit> {
    let id = found.token.user_id.ok_or(Error::OneTimeTokenInvalid)?;
    let txn = store::begin(&app.db).await?;
    match UserEdit::within(txn, id, app.clock.now()).await {
        Ok(edit) if edit.user.is_active => Ok(edit),
        Ok(_) | Err(Error::NotFound) => Err(Error::OneTimeTokenInvalid),
        Err(error) => Err(error),
    }
}
