//! Comparing a password, for which an attempt was taken.

use secrecy::SecretString;

use crate::app::App;
use crate::limits::Attempt;
use model::error::Result;

/// Whether this is the password that the hash was made of; as [`credentials::PasswordPool::verify`]. An attempt
/// that nobody looked at is given back.
///
/// # Errors
/// When too many passwords are being hashed, or the hash can not be compared.
pub(crate) async fn compare(
    app: &App,
    attempt: Attempt,
    password: &SecretString,
    hash: Option<&str>,
    decoy: Option<&str>,
) -> Result<(bool, Attempt)> {
    match app.passwords.verify(password, hash, decoy).await {
        Ok(right) => Ok((right, attempt)),
        Err(error) => {
            attempt.give_back(&app.hasty_db).await?;
            Err(error)
        }
    }
}
