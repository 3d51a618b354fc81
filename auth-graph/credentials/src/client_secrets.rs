//! The secrets of service clients: random, shown once, and kept as a hash.
//!
//! A secret has 256 random bits, so nobody guesses it and one pass of SHA-256 is hash enough. What people choose needs
//! `passwords`.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use model::error::{Error, Result};

/// Marks our client secrets, for those who scan repositories and logs for leaked secrets.
const PREFIX: &str = "ags_";

/// A new secret.
///
/// # Errors
/// [`Error::Internal`] when there is no randomness.
pub fn generate() -> Result<SecretString> {
    random(PREFIX)
}

/// 256 random bits behind a prefix.
pub(super) fn random(prefix: &str) -> Result<SecretString> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(bytes.as_mut()).map_err(|_| Error::internal("no randomness"))?;
    Ok(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes.as_ref())).into())
}

/// Returns the hash of a secret, which is stored in its place.
#[must_use]
pub fn hash(secret: &SecretString) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.expose_secret().as_bytes()))
}

/// Returns whether a secret has this hash. The time that it takes tells nothing about where they differ, nor whether
/// there was a hash to compare with.
#[must_use]
pub fn matches(secret: &SecretString, expected: Option<&str>) -> bool {
    let found = hash(secret);
    // As long as a hash, and no text has it.
    let expected = expected.unwrap_or("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!");
    bool::from(found.as_bytes().ct_eq(expected.as_bytes()))
}
