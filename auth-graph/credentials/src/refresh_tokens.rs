//! Refresh tokens. A token names a session and a generation, and carries a MAC over both. It is opaque to clients.
//!
//! A token can be derived again from its session. Therefore no token is stored, and a client that lost a response can
//! get the same token again. `engine::sessions` applies the rules for generations.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use settings::Secrets;
use uuid::Uuid;

use super::derived::MacKey;
use super::mac_keys::MacKeys;
use model::clock::Clock;
use model::error::{Error, Result};
use model::values::SessionId;

/// Prefix of refresh tokens, by which scanners of repositories and logs recognise leaked secrets.
const PREFIX: &str = "agr_";
const BODY_LENGTH: usize = 16 + 8;
const LENGTH: usize = BODY_LENGTH + MacKey::TAG_LENGTH;

/// Number of a token within its session. The first is 0, and each rotation adds 1.
pub type Generation = i64;

/// Encodes and decodes refresh tokens.
#[derive(Debug)]
pub struct RefreshTokens(MacKeys);

impl RefreshTokens {
    /// Derives the keys from the secrets.
    #[must_use]
    pub fn new(secrets: &Secrets, clock: Clock) -> Self {
        Self(MacKeys::derive(secrets, "refresh token", clock))
    }

    /// Returns the token of a generation of a session, which is the same until the master secret is replaced.
    #[must_use]
    pub fn encode(&self, session: SessionId, generation: Generation) -> SecretString {
        let mut bytes = [0; LENGTH];
        bytes[..16].copy_from_slice(session.0.as_bytes());
        bytes[16..BODY_LENGTH].copy_from_slice(&generation.to_be_bytes());
        let tag = self.0.sign(&bytes[..BODY_LENGTH]);
        bytes[BODY_LENGTH..].copy_from_slice(&tag);
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into()
    }

    /// Returns the session and the generation that a token names.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`] when any character differs from a token that was issued here.
    pub fn decode(&self, token: &SecretString) -> Result<(SessionId, Generation)> {
        let mut bytes = [0; LENGTH];
        let encoded = token.expose_secret().strip_prefix(PREFIX).ok_or(Error::TokenInvalid)?;
        let read = BASE64_URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes);
        let (body, tag) = bytes.split_at(BODY_LENGTH);
        if read != Ok(LENGTH) || !self.0.verify(body, tag) {
            return Err(Error::TokenInvalid);
        }
        let (session, generation) = body.split_at(16);
        let session = Uuid::from_bytes(session.try_into().expect("it is split at 16 bytes"));
        let generation = i64::from_be_bytes(generation.try_into().expect("the remainder has 8 bytes"));
        Ok((SessionId(session), generation))
    }

    /// Returns whether the text has the prefix of a refresh token.
    #[must_use]
    pub fn recognises(token: &SecretString) -> bool {
        token.expose_secret().starts_with(PREFIX)
    }
}
