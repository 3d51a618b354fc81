//! The operations on accounts that no other door offers: an account before its address is verified, and a new password
//! for an address and a password in place of a token.

use secrecy::SecretString;

use crate::accounts::{Account, UserEdit, commit_edit, creating, password_rules, passwords};
use crate::app::App;
use crate::callers::{Actor, Device, authentication};
use crate::comparing::{self, Claim};
use crate::limits::{self, Attempt, LimitedAction, MailPurpose};
use crate::mail::{self, Letter};
use crate::signing_in::Identifier;
use model::error::{Error, Reason, Result};
use model::values::{Email, NewPassword, Password, PersonName, PhoneNumber, UserId};
use store::users;

/// An account that is created immediately, before its address is verified.
#[derive(Debug)]
pub struct NewUnconfirmed {
    /// E-mail address.
    pub email: Email,
    /// Password.
    pub password: NewPassword,
    /// Given name; may be empty.
    pub first_name: PersonName,
    /// Family name; may be empty.
    pub last_name: PersonName,
    /// Phone number.
    pub phone_number: Option<PhoneNumber>,
}

/// Rejects the call when the configuration does not allow it.
///
/// # Errors
/// [`Error::Denied`] unless `rest.create_user` is on.
pub fn require_creating(app: &App) -> Result<()> {
    if app.config.rest.create_user { Ok(()) } else { Err(Error::Denied(Reason::RegistrationClosed)) }
}

/// Creates an account with an unverified address, and sends a mail that can verify it.
///
/// # Errors
/// As [`require_creating`]; [`Error::Conflict`] when the address is taken, which reveals that an account has it;
/// [`Error::ValidationFailed`] for a weak password; [`Error::RateLimited`].
pub async fn create_unconfirmed(app: &App, new: NewUnconfirmed, device: &Device) -> Result<users::Model> {
    require_creating(app)?;
    limits::count_mail(app, &new.email, MailPurpose::Registration, device).await?;
    let now = app.clock.now();
    let user = users::Model {
        first_name: new.first_name.into_string(),
        last_name: new.last_name.into_string(),
        phone_number: new.phone_number.map(PhoneNumber::into_string),
        ..users::Model::new(UserId::generate(now), new.email, now)
    };
    let hash = passwords::hash(app, &user, &new.password).await?;
    let mut account = Account::new(user);
    account.set_password(hash, now);
    let user = &account.user;
    let created = store::transaction(&app.db, async |txn| {
        creating::insert(app, txn, &Actor::mail_recipient(user.id, device), "user.register", &account, now).await?;
        mail::enqueue(app, txn, &user.email, None, &Letter::ConfirmAddress { user: user.id }, now).await
    });
    created.await?;
    app.feed.written.notify_one();
    app.mail.waiting.notify_one();
    Ok(account.user)
}

/// Sets a new password for a caller who knows the address or user name and the current password, and ends all sessions.
/// An unknown address, a wrong password and a disabled user get the same answer, at the same cost, and count as
/// attempts to sign in. The new password is checked first: the answer must not tell whether the current one was right.
///
/// # Errors
/// [`Error::InvalidCredentials`]; [`Error::ValidationFailed`] for a weak new password, and for a user name when the
/// configuration does not accept them; [`Error::RateLimited`]; [`Error::Unavailable`] when too many passwords are being
/// hashed.
pub async fn change_password_by_credentials(
    app: &App,
    identifier: &Identifier,
    current: &Password,
    password: &NewPassword,
    device: &Device,
) -> Result<()> {
    let (limits, now) = (&app.config.limits, app.clock.now());
    let _spent = Attempt::take(&app.relaxed_db, limits, LimitedAction::NewPassword, device.address, now).await?;
    identifier.check(app)?;
    password_rules::check(app, password, &identifier.facts()).await?;
    comparing::compare(app, Claim::Change(identifier), current, device, async |right| {
        // Only the facts that the caller did not name remain, such as the names of the user.
        let facts = password_rules::facts_of(&right.user);
        password_rules::check_further(app, password, &identifier.facts(), &facts).await?;
        let hash = app.passwords.pool.hash(password.as_password()).await?;
        let actor = Actor::mail_recipient(right.user.id, device);
        let changed = commit_edit(app, async |txn| {
            let begun = UserEdit::begin(app, &actor, txn, right.user.id).await;
            let mut edit = begun.map_err(|error| match error {
                // Another request has deleted the user since.
                Error::NotFound => Error::InvalidCredentials,
                other => other,
            })?;
            if edit.account.password() != Some(&right.credential) || !edit.account.user.is_active {
                // The password has changed since it was compared.
                return Err(Error::InvalidCredentials);
            }
            edit.account.set_password(hash, app.clock.now());
            edit.write("user.change_password").await
        });
        changed.await?;
        right.attempt.give_back(&app.relaxed_db).await
    })
    .await
}

/// Returns whether the user of a token whose session has ended was disabled, or `None` when there is no such user.
pub async fn is_disabled(app: &App, token: &SecretString) -> Result<Option<bool>> {
    let Some(id) = authentication::subject_of_revoked(app, token) else { return Ok(Some(false)) };
    Ok(users::find(&app.db, id).await?.map(|user| !user.is_active))
}
