//! Secrets of service clients: random, shown once, and stored as a hash.
//!
//! A secret has 256 random bits and cannot be guessed, so one pass of SHA-256 is sufficient. Secrets that people choose
//! need the slow hash of `passwords`.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use model::error::{Error, Result};

/// Prefix of client secrets, by which scanners of repositories and logs recognise leaked secrets.
const PREFIX: &str = "ags_";

/// Generates a secret.
///
/// # Errors
/// [`Error::Internal`] when the random number generator fails.
pub fn generate() -> Result<SecretString> {
    random(PREFIX)
}

/// Returns a prefix followed by 256 random bits.
pub(super) fn random(prefix: &str) -> Result<SecretString> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(bytes.as_mut()).map_err(|_| Error::internal("no randomness"))?;
    Ok(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes.as_ref())).into())
}

/// Returns the hash of a secret. Only the hash is stored.
#[must_use]
pub fn hash(secret: &SecretString) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.expose_secret().as_bytes()))
}

/// Returns whether a secret has this hash. The duration does not depend on where the hashes differ, nor on whether
/// there is an expected hash.
#[must_use]
pub fn matches(secret: &SecretString, expected: Option<&str>) -> bool {
    let found = hash(secret);
    // It has the length of a hash, and no secret has it as its hash.
    let expected = expected.unwrap_or("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!");
    bool::from(found.as_bytes().ct_eq(expected.as_bytes()))
}
