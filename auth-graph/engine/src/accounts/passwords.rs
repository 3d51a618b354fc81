//! Passwords: changing a password, and resetting a forgotten one.

use secrecy::SecretString;

use super::{Account, UserEdit, commit_edit, password_rules, proof, redeeming};
use crate::app::App;
use crate::callers::Actor;
use crate::callers::Device;
use crate::callers::Principal;
use crate::limits::{self, MailPurpose};
use crate::mail::{self, Letter};
use model::error::{Error, Result};
use model::values::{Email, NewPassword, Password};
use store::one_time_tokens::Purpose;
use store::users;

/// Sends a mail to a user who has forgotten their password. The answer and the time are the same for every address.
///
/// # Errors
/// [`Error::Denied`] when no mail can be sent; [`Error::RateLimited`].
pub async fn request_reset(app: &App, email: &Email, device: &Device) -> Result<()> {
    mail::require(app)?;
    limits::count_mail(app, email, MailPurpose::PasswordReset, device).await?;
    let now = app.clock.now();
    mail::enqueue(app, &app.db, email, None, &Letter::ResetPassword, now).await?;
    app.mail.waiting.notify_one();
    Ok(())
}

/// Sets a new password with the token of a mail, and ends all sessions. It also verifies the address of the user.
/// Returns the number of ended sessions.
///
/// # Errors
/// [`Error::OneTimeTokenInvalid`]; [`Error::ValidationFailed`] for a weak password, which leaves the token valid;
/// [`Error::RateLimited`].
pub async fn reset(app: &App, token: &SecretString, password: &NewPassword, device: &Device) -> Result<usize> {
    let found = redeeming::find(app, token, &[Purpose::ResetPassword], device).await?;
    let id = found.token.user_id.ok_or(Error::OneTimeTokenInvalid)?;
    let user = users::find(&app.db, id).await?.ok_or(Error::OneTimeTokenInvalid)?;
    let hash = hash(app, &user, password).await?;
    let actor = Actor::mail_recipient(id, device);
    let changed = commit_edit(app, async |txn| {
        let mut edit = redeeming::begin(app, &actor, txn, id).await?;
        if edit.account.user.email != found.token.email {
            return Err(Error::OneTimeTokenInvalid);
        }
        let now = app.clock.now();
        found.consume(txn, now).await?;
        // The user signs in from here next, whatever others try meanwhile.
        limits::remember_network(txn, id, device, now).await?;
        if !edit.account.user.email_verified {
            // Another person may have made the account with this address, and added ways to sign in.
            edit.account.remove_credentials();
        }
        edit.account.user.email_verified = true;
        edit.account.set_password(hash, now);
        edit.write("user.reset_password").await
    });
    Ok(changed.await?.ended_sessions)
}

/// Changes the password of the caller, and ends all their sessions, including this one. Returns the number of ended
/// sessions.
///
/// A user with a password must give it, however recent the sign-in is: a stolen token must not lock its owner out.
///
/// # Errors
/// [`Error::ReauthenticationRequired`] without the current password; [`Error::WrongPassword`] for a wrong one;
/// [`Error::ValidationFailed`] for a weak new one, whether or not the current one is right; [`Error::RateLimited`].
pub async fn change(
    app: &App,
    principal: &Principal,
    current: Option<&Password>,
    password: &NewPassword,
    device: &Device,
) -> Result<usize> {
    let user = proof::user_of(app, principal).await?;
    let account = Account::of(&app.db, user).await?;
    if account.password().is_some() && current.is_none() {
        return Err(Error::ReauthenticationRequired);
    }
    // Before the comparison: the answer must not tell whether the current password was right.
    check(app, &account.user, password).await?;
    let user = proof::prove(app, principal, current, "currentPassword", device).await?;
    let hash = app.passwords.pool.hash(password.as_password()).await?;
    let actor = Actor::own(principal, device);
    let changed = commit_edit(app, async |txn| {
        let mut edit = UserEdit::begin(app, &actor, txn, user.id).await?;
        if edit.account.password() != account.password() {
            // The password has changed since it was compared.
            return Err(Error::InvalidCredentials);
        }
        edit.account.set_password(hash, app.clock.now());
        edit.write("user.change_password").await
    });
    Ok(changed.await?.ended_sessions)
}

/// Returns the hash of a password that may be set for this user.
///
/// # Errors
/// [`Error::ValidationFailed`] for a weak one; [`Error::Unavailable`] when too many passwords are being hashed.
pub(crate) async fn hash(app: &App, user: &users::Model, password: &NewPassword) -> Result<String> {
    check(app, user, password).await?;
    app.passwords.pool.hash(password.as_password()).await
}

async fn check(app: &App, user: &users::Model, password: &NewPassword) -> Result<()> {
    password_rules::check(app, password, &password_rules::facts_of(user)).await
}
