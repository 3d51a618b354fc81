//! What people sign in with: an e-mail address, or a user name where the operator accepts it.

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

/// Returns the address of the account, by which it is looked up, limited and compared from here on. The account of a
/// user without an address has a placeholder. So does a user name that no user has: its sign-in is refused after the
/// same time.
///
/// # Errors
/// [`Error::ValidationFailed`] for a user name when the configuration does not accept them.
pub async fn address_of(app: &App, identifier: Identifier) -> Result<Email> {
    let name = match identifier {
        Identifier::Email(email) => return Ok(email),
        Identifier::Username(name) => name,
    };
    require_usernames(app)?;
    let mark = || BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, name.as_str().as_bytes()));
    Ok(users::email_of_username(&app.db, &name).await?.unwrap_or_else(|| Email::of_nobody(&mark())))
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
