//! Registration. An account is created only after its address is confirmed, so that no user can take the address of
//! another, and no answer reveals whether an address has an account.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::account::Account;
use super::redeeming::{self, Found};
use super::{creating, password_rules};
use crate::app::App;
use crate::callers::Actor;
use crate::callers::Device;
use crate::comparing::{self, Claim};
use crate::limits::{self, Attempt, MailPurpose};
use crate::mail::{self, Letter, Registration};
use model::config;
use model::error::{Error, Reason, Result};
use model::values::{Email, Locale, NewPassword, Password, PersonName, UserId};
use store::one_time_tokens::Purpose;
use store::users;

/// A request to register an account.
#[derive(Debug)]
pub struct NewRegistration {
    /// E-mail address.
    pub email: Email,
    /// Password of the future account.
    pub password: NewPassword,
    /// Given name; may be empty.
    pub first_name: PersonName,
    /// Family name; may be empty.
    pub last_name: PersonName,
    /// Language that the user reads.
    pub locale: Option<Locale>,
    /// Token of an invitation.
    pub invitation: Option<SecretString>,
}

/// The next step of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// A mail was sent to the address, whether or not it has an account.
    ConfirmationSent,
    /// The account exists: the invitation has verified the address.
    Completed,
}

/// Registers a user, as far as the configuration allows it.
///
/// # Errors
/// [`Error::Denied`] when registration is off, an invitation is needed, or no mail can be sent;
/// [`Error::ValidationFailed`] for a weak password; [`Error::OneTimeTokenInvalid`] for an invitation that is not for
/// this address; [`Error::RateLimited`].
pub async fn register(app: &App, new: NewRegistration, device: &Device) -> Result<Registered> {
    match (app.config.accounts.registration, &new.invitation) {
        (config::Registration::Off, _) => return Err(Error::Denied(Reason::RegistrationClosed)),
        (config::Registration::Invitation, None) => return Err(Error::Denied(Reason::InvitationRequired)),
        (config::Registration::Invitation, Some(_)) | (config::Registration::Open, _) => {}
    }
    let now = app.clock.now();
    let invited = match &new.invitation {
        Some(token) => {
            let found = redeeming::find(app, token, &[Purpose::Invitation], device).await?;
            // An invitation is for one address. A registration with any other address does not come from the invited
            // person.
            if found.token.email != new.email {
                return Err(Error::OneTimeTokenInvalid);
            }
            Some(found)
        }
        None => {
            mail::require(app)?;
            limits::count_mail(app, &new.email, MailPurpose::Registration, device).await?;
            None
        }
    };
    let facts = [new.email.as_str(), new.email.local_part(), new.first_name.as_str(), new.last_name.as_str()];
    password_rules::check(app, &new.password, &facts).await?;
    let registration = Registration {
        password_hash: app.passwords.pool.hash(new.password.as_password()).await?,
        first_name: new.first_name.into_string(),
        last_name: new.last_name.into_string(),
        locale: new.locale.clone(),
    };
    match invited {
        Some(invitation) => {
            // Whoever has the invitation has chosen the password.
            let account = account_of(&invitation, registration, now);
            create(app, invitation, &account, None, device).await?;
            Ok(Registered::Completed)
        }
        None => {
            let letter = Letter::ConfirmRegistration { registration };
            mail::enqueue(app, &app.db, &new.email, new.locale, &letter, now).await?;
            app.mail.waiting.notify_one();
            Ok(Registered::ConfirmationSent)
        }
    }
}

/// Creates the account for a token that was sent to its address, once the caller has given the password of the
/// registration: the owner of the address did not necessarily register.
///
/// # Errors
/// As [`comparing::compare`].
pub(super) async fn complete(
    app: &App,
    found: Found,
    registration: Registration,
    password: &Password,
    device: &Device,
) -> Result<()> {
    let account = account_of(&found, registration, app.clock.now());
    let token = found.token.hash.clone();
    let claim = Claim::Registration { account: &account, token: &token };
    comparing::compare(app, claim, password, device, async |right| {
        create(app, found, &account, Some(right.attempt), device).await
    })
    .await
}

fn account_of(found: &Found, registration: Registration, now: DateTime<Utc>) -> Account {
    let user = users::Model {
        first_name: registration.first_name,
        last_name: registration.last_name,
        locale: registration.locale,
        email_verified: true,
        ..users::Model::new(UserId::generate(now), found.token.email.clone(), now)
    };
    let mut account = Account::new(user);
    account.set_password(registration.password_hash, now);
    account
}

async fn create(app: &App, found: Found, account: &Account, attempt: Option<Attempt>, device: &Device) -> Result<()> {
    let now = app.clock.now();
    let actor = Actor::mail_recipient(account.user.id, device);
    let created = store::transaction(&app.db, async |txn| {
        found.consume(txn, now).await?;
        creating::insert(app, txn, &actor, "user.register", account, now).await?;
        match &attempt {
            Some(attempt) => attempt.give_back(txn).await,
            None => Ok(()),
        }
    });
    created.await?;
    app.feed.written.notify_one();
    Ok(())
}
