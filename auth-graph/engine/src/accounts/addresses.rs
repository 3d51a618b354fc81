//! E-mail addresses: verifying and changing them.

use secrecy::SecretString;

use super::{Account, commit_edit, proof, redeeming, registration};
use crate::app::App;
use crate::callers::Actor;
use crate::callers::Device;
use crate::callers::Principal;
use crate::comparing::{self, Claim};
use crate::limits::{self, MailPurpose};
use crate::mail::{self, Letter};
use model::error::{Error, Result};
use model::values::{Email, Password, UserId};
use store::one_time_tokens::{Model, Purpose};
use store::{user_credentials, users};

/// Sends a user a mail that verifies their address. It sends nothing when the address is already verified.
///
/// # Errors
/// [`Error::Denied`] when no mail can be sent; [`Error::RateLimited`].
pub async fn request_verification(app: &App, principal: &Principal, device: &Device) -> Result<()> {
    mail::require(app)?;
    let user = proof::user_of(app, principal).await?;
    limits::count_mail(app, &user.email, MailPurpose::Verification, device).await?;
    let now = app.clock.now();
    mail::enqueue(app, &app.db, &user.email, None, &Letter::ConfirmAddress { user: user.id }, now).await?;
    app.mail.waiting.notify_one();
    Ok(())
}

/// Sends a mail to the new address of a user. The address changes once the user has confirmed it.
///
/// # Errors
/// As `proof::prove`; [`Error::Denied`] when no mail can be sent; [`Error::RateLimited`].
pub async fn request_change(
    app: &App,
    principal: &Principal,
    email: &Email,
    password: Option<&Password>,
    device: &Device,
) -> Result<()> {
    mail::require(app)?;
    let user = proof::prove(app, principal, password, "password", device).await?;
    limits::count_write(app, user.id).await?;
    limits::count_mail(app, email, MailPurpose::AddressChange, device).await?;
    let now = app.clock.now();
    mail::enqueue(app, &app.db, email, user.locale, &Letter::ConfirmNewAddress { user: user.id }, now).await?;
    app.mail.waiting.notify_one();
    Ok(())
}

/// Redeems the token of a mail: completes a registration, a verification or a change of address. Returns the address
/// that was confirmed.
///
/// The token proves that the caller owns the address, and nothing about the account, which another person may have made
/// with it. The caller therefore proves the account too: with its password, or as its signed-in user
/// (ADR 61).
///
/// # Errors
/// [`Error::OneTimeTokenInvalid`]; [`Error::ReauthenticationRequired`] without a proof; [`Error::WrongPassword`];
/// [`Error::Conflict`] when another account took the address meanwhile; [`Error::RateLimited`].
pub async fn confirm(
    app: &App,
    token: &SecretString,
    password: Option<&Password>,
    principal: Option<&Principal>,
    device: &Device,
) -> Result<Email> {
    let purposes = [Purpose::ConfirmRegistration, Purpose::VerifyEmail, Purpose::ChangeEmail];
    let found = redeeming::find(app, token, &purposes, device).await?;
    let email = found.token.email.clone();
    match found.token.purpose {
        Purpose::ConfirmRegistration => {
            let password = password.ok_or(Error::ReauthenticationRequired)?;
            let payload = found.token.payload.clone().unwrap_or_default();
            let registration = serde_json::from_value(payload).map_err(Error::internal)?;
            registration::complete(app, found, registration, password, device).await?;
        }
        purpose => {
            let id = found.token.user_id.ok_or(Error::OneTimeTokenInvalid)?;
            let compared = prove_account(app, id, &found.token, password, principal, device).await?;
            let actor = Actor::mail_recipient(id, device);
            let action = if purpose == Purpose::VerifyEmail { "user.verify_email" } else { "user.change_email" };
            let confirmed = commit_edit(app, async |txn| {
                let mut edit = redeeming::begin(app, &actor, txn, id).await?;
                if purpose == Purpose::VerifyEmail && edit.account.user.email != email {
                    return Err(Error::OneTimeTokenInvalid);
                }
                if edit.account.password() != compared.as_ref() {
                    // The password has changed since it was compared. The links of before do not work any more.
                    return Err(Error::OneTimeTokenInvalid);
                }
                found.consume(txn, app.clock.now()).await?;
                edit.account.user.email = email.clone();
                edit.account.user.email_verified = true;
                edit.write(action).await
            });
            confirmed.await?;
        }
    }
    Ok(email)
}

/// Checks that the caller is the user of the account, and returns its password credential.
async fn prove_account(
    app: &App,
    id: UserId,
    token: &Model,
    password: Option<&Password>,
    principal: Option<&Principal>,
    device: &Device,
) -> Result<Option<user_credentials::Model>> {
    let user = users::find(&app.db, id).await?.ok_or(Error::OneTimeTokenInvalid)?;
    if let Some(password) = password {
        let claim = Claim::Link { user: &user, token: &token.hash };
        return comparing::compare(app, claim, password, device, async |right| {
            right.attempt.give_back(&app.relaxed_db).await?;
            Ok(Some(right.credential))
        })
        .await;
    }
    let account = Account::of(&app.db, user).await?;
    let is_user = principal.is_some_and(|principal| principal.user() == Some(id) && principal.impersonator().is_none());
    // Nobody can have signed in to an account that an administrator has made without a password.
    let is_unused = token.purpose == Purpose::VerifyEmail && account.credentials().is_empty();
    if is_user || is_unused { Ok(account.password().cloned()) } else { Err(Error::ReauthenticationRequired) }
}
