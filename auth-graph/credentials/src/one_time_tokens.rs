//! One-time tokens: 256 random bits that a mail carries, kept as a hash.

use secrecy::SecretString;

use super::client_secrets;
use model::error::Result;

/// Marks our one-time tokens, for those who scan repositories and logs for leaked secrets.
const PREFIX: &str = "ago_";

/// A new token.
///
/// # Errors
/// [`Error::Internal`](model::error::Error::Internal) when there is no randomness.
pub fn generate() -> Result<SecretString> {
    client_secrets::random(PREFIX)
}

/// Returns the hash of a token, which is stored and looked up in its place.
#[must_use]
pub fn hash(token: &SecretString) -> String {
    client_secrets::hash(token)
}
