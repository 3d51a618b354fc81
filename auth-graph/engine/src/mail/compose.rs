//! Composes a mail when it is sent: checks whether it is still relevant to the recipient, and generates its one-time
//! token.

use chrono::TimeDelta;
use secrecy::ExposeSecret;

use super::letter::Letter;
use crate::accounts::Account;
use crate::app::App;
use crate::mailer::{self, Content, Mail, Template};
use credentials::one_time_tokens as secrets;
use model::config::Accounts;
use model::error::{Error, Result};
use model::values::UserId;
use store::mails::{self, Model};
use store::one_time_tokens::Purpose;
use store::{one_time_tokens as tokens, users};

/// The link of a mail, with the data of its one-time token.
struct Link {
    page: &'static str,
    purpose: Purpose,
    user: Option<UserId>,
    payload: Option<serde_json::Value>,
    lifetime: TimeDelta,
}

/// Returns the mail, or `None` if it is no longer relevant to its recipient.
pub(super) async fn compose(app: &App, row: &Model) -> Result<Option<Mail>> {
    let letter: Letter = serde_json::from_value(row.letter.clone()).map_err(Error::internal)?;
    let owner = users::find_by_email(&app.db, &row.email).await?;
    let owner = match owner {
        Some(owner) => Some(Account::of(&app.db, owner).await?),
        None => None,
    };
    let Some((template, link)) = plan(&app.config.accounts, letter, owner.as_ref())? else { return Ok(None) };
    let link = match link {
        Some(link) => match make(app, row, link).await? {
            Some(link) => Some(link),
            None => return Ok(None),
        },
        None => None,
    };
    // The mail contains the name of the user only if the address is verified. Otherwise an attacker could register with
    // the address of another person and send their own words as the name.
    let owner = owner.as_ref().map(|owner| &owner.user);
    let name = owner.filter(|owner| owner.email_verified).map_or("", |owner| &owner.first_name);
    let locale = owner.and_then(|owner| owner.locale.as_ref());
    let content = Content { locale: row.locale.as_ref().or(locale), name, link };
    app.mail.mailer.write(row.email.clone(), template, &content).map(Some)
}

/// Returns the template and the link of a mail to the current owner of the address, or `None` if the mail is no longer
/// relevant.
fn plan(accounts: &Accounts, letter: Letter, owner: Option<&Account>) -> Result<Option<(Template, Option<Link>)>> {
    let verify = |purpose, user, payload| Link {
        page: "/verify-email",
        purpose,
        user,
        payload,
        lifetime: accounts.verification_lifetime,
    };
    let reset = |user| Link {
        page: "/reset-password",
        purpose: Purpose::ResetPassword,
        user: Some(user),
        payload: None,
        lifetime: accounts.reset_lifetime,
    };
    Ok(Some(match (letter, owner) {
        (Letter::ConfirmRegistration { .. }, Some(_)) => (Template::AccountExists, None),
        (Letter::ConfirmRegistration { registration }, None) => {
            let payload = serde_json::to_value(registration).map_err(Error::internal)?;
            (Template::ConfirmRegistration, Some(verify(Purpose::ConfirmRegistration, None, Some(payload))))
        }
        (Letter::ConfirmAddress { user }, Some(owner)) if owner.user.id == user && !owner.user.email_verified => {
            (Template::ConfirmAddress, Some(verify(Purpose::VerifyEmail, Some(user), None)))
        }
        (Letter::ConfirmNewAddress { .. }, Some(_)) => (Template::AddressTaken, None),
        (Letter::ConfirmNewAddress { user }, None) => {
            (Template::ConfirmNewAddress, Some(verify(Purpose::ChangeEmail, Some(user), None)))
        }
        (Letter::ResetPassword, Some(Account { user, .. })) if user.is_active => {
            (Template::ResetPassword, Some(reset(user.id)))
        }
        (Letter::PasswordTaken, Some(owner)) if owner.user.is_active && owner.password().is_none() => {
            (Template::PasswordTaken, Some(reset(owner.user.id)))
        }
        (Letter::PasswordGuessed, Some(_)) => (Template::PasswordGuessed, None),
        (Letter::Invitation, None) => {
            let (page, lifetime) = ("/register", accounts.invitation_lifetime);
            (
                Template::Invitation,
                Some(Link { page, purpose: Purpose::Invitation, user: None, payload: None, lifetime }),
            )
        }
        (
            Letter::ConfirmAddress { .. }
            | Letter::ResetPassword
            | Letter::PasswordTaken
            | Letter::PasswordGuessed
            | Letter::Invitation,
            _,
        ) => return Ok(None),
        (Letter::AddressChanged, _) => (Template::AddressChanged, None),
        (Letter::PasswordChanged, _) => (Template::PasswordChanged, None),
        (Letter::FactorsChanged, _) => (Template::FactorsChanged, None),
        (Letter::AccountDeleted, _) => (Template::AccountDeleted, None),
        (Letter::AccountMerged, _) => (Template::AccountMerged, None),
    }))
}

/// Generates and stores a token, and returns the link with it and the end of its validity. The token follows the `#`,
/// so that it appears in no log and no `Referer` header, and opening the page does not use it up. Returns `None` when
/// the mail was withdrawn, as were the links that were sent before.
async fn make(app: &App, row: &Model, link: Link) -> Result<Option<mailer::Link>> {
    let now = app.clock.now();
    let token = secrets::generate()?;
    let expires_at = now + link.lifetime;
    let kept = tokens::Model {
        hash: secrets::hash(&token),
        purpose: link.purpose,
        user_id: link.user,
        email: row.email.clone(),
        payload: link.payload,
        created_at: now,
        expires_at,
    };
    let keeping = store::transaction(&app.db, async |txn| {
        let waits = mails::still_waits(txn, row.id).await?;
        if waits {
            tokens::insert(txn, kept).await?;
        }
        Ok(waits)
    });
    if !keeping.await? {
        return Ok(None);
    }
    let address = format!("{}#token={}", app.config.page_url(link.page), token.expose_secret());
    let valid_until = expires_at.format("%Y-%m-%d %H:%M UTC").to_string();
    Ok(Some(mailer::Link { address: address.into(), valid_until, lifetime: link.lifetime }))
}
