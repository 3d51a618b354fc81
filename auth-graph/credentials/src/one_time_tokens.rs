//! One-time tokens: 256 random bits, sent by mail and stored as a hash.

use secrecy::SecretString;

use super::client_secrets;
use model::error::Result;

/// Prefix of one-time tokens, by which scanners of repositories and logs recognise leaked secrets.
const PREFIX: &str = "ago_";

/// Generates a token.
///
/// # Errors
/// [`Error::Internal`](model::error::Error::Internal) when the random number generator fails.
pub fn generate() -> Result<SecretString> {
    client_secrets::random(PREFIX)
}

/// Returns the hash of a token. Only the hash is stored and looked up.
#[must_use]
pub fn hash(token: &SecretString) -> String {
    client_secrets::hash(token)
}
