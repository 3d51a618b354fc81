//! Writing a mail at the time when it is sent: to whom it still matters, and with which one-time token.

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use crate::accounts::Account;
use crate::app::App;
use crate::mailer::{Content, Mail, Template};
use credentials::one_time_tokens as secrets;
use model::config::Accounts;
use model::error::{Error, Result};
use model::values::UserId;
use store::mails::{self, Model};
use store::one_time_tokens::Purpose;
use store::{one_time_tokens as tokens, users};

/// The link of a mail, and the one-time token in it.
struct Link {
    page: &'static str,
    purpose: Purpose,
    user: Option<UserId>,
    payload: Option<serde_json::Value>,
    lifetime: TimeDelta,
}

/// Returns the mail, or none if it matters to no reader any more.
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
    // A name is used where its bearer reads it. Until the address was shown to be theirs, somebody else may have chosen
    // both, to have us send their words.
    let owner = owner.as_ref().map(|owner| &owner.user);
    let name = owner.filter(|owner| owner.email_verified).map_or("", |owner| &owner.first_name);
    let locale = owner.and_then(|owner| owner.locale.as_ref());
    let content = Content { locale: row.locale.as_ref().or(locale), name, link };
    app.mail.mailer.write(row.email.clone(), template, &content).map(Some)
}

/// Returns the template and the link of a mail to the present owner of the address. None if it matters to no reader.
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
        (Letter::Invitation, None) => {
            let (page, lifetime) = ("/register", accounts.invitation_lifetime);
            (
                Template::Invitation,
                Some(Link { page, purpose: Purpose::Invitation, user: None, payload: None, lifetime }),
            )
        }
        (Letter::ConfirmAddress { .. } | Letter::ResetPassword | Letter::PasswordTaken | Letter::Invitation, _) => {
            return Ok(None);
        }
        (Letter::AddressChanged, _) => (Template::AddressChanged, None),
        (Letter::PasswordChanged, _) => (Template::PasswordChanged, None),
        (Letter::FactorsChanged, _) => (Template::FactorsChanged, None),
        (Letter::AccountDeleted, _) => (Template::AccountDeleted, None),
        (Letter::AccountMerged, _) => (Template::AccountMerged, None),
    }))
}

/// Makes a token, and the link that carries it to the page: behind the `#`, so that it is in no log and no `Referer`,
/// and opening the page uses nothing up. None: what has ended the links that were sent before has ended this one too.
async fn make(app: &App, row: &Model, link: Link) -> Result<Option<(SecretString, String)>> {
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
    let txn = store::begin(&app.db).await?;
    if !mails::still_waits(&txn, row.id).await? {
        return Ok(None);
    }
    tokens::insert(&txn, kept).await?;
    txn.commit().await?;
    let address = format!("{}#token={}", app.config.page_url(link.page), token.expose_secret());
    Ok(Some((address.into(), expires_at.format("%Y-%m-%d %H:%M UTC").to_string())))
}
