//! What people sign in with: an e-mail address, or a user name where the operator accepts it.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::app::App;
use model::error::{Error, Result};
use model::values::{Email, Username};
use store::users;

/// Identifier of an account, as a person types it.
#[derive(Clone, Debug)]
pub enum Identifier {
    /// E-mail address.
    Email(Email),
    /// User name.
    Username(Username),
}

impl From<Email> for Identifier {
    fn from(email: Email) -> Self {
        Self::Email(email)
    }
}

impl Identifier {
    /// Rejects a user name when the configuration does not accept them.
    ///
    /// # Errors
    /// As [`require_usernames`].
    pub(crate) fn check(&self, app: &App) -> Result<()> {
        match self {
            Self::Email(_) => Ok(()),
            Self::Username(_) => require_usernames(app),
        }
    }

    /// Returns the texts that a password of the account must not be made of.
    pub(crate) fn facts(&self) -> Vec<&str> {
        match self {
            Self::Email(email) => vec![email.as_str(), email.local_part()],
            Self::Username(name) => vec![name.as_str()],
        }
    }

    /// Returns the address of the account, by which it is looked up, limited and compared from here on. The account of
    /// a user without an address has a placeholder. So does a user name that no user has: its sign-in is refused after
    /// the same time.
    pub(crate) async fn address(&self, app: &App) -> Result<Cow<'_, Email>> {
        let name = match self {
            Self::Email(email) => return Ok(Cow::Borrowed(email)),
            Self::Username(name) => name,
        };
        let mark = || BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, name.as_str().as_bytes()));
        let found = users::email_of_username(&app.db, name).await?;
        Ok(Cow::Owned(found.unwrap_or_else(|| Email::of_nobody(&mark()))))
    }
}

/// Rejects a user name when the configuration does not accept them.
///
/// # Errors
/// [`Error::ValidationFailed`] unless `accounts.usernames` is on.
pub fn require_usernames(app: &App) -> Result<()> {
    match app.config.accounts.usernames {
        true => Ok(()),
        false => Err(Error::invalid("username", "is not accepted by this service: use the e-mail address")),
    }
}
