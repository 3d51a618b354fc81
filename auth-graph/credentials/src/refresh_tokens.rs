//! Refresh tokens: opaque to everybody else, they name a session and a generation and carry a MAC over both.
//!
//! A token can be made again from the session, so none is stored, and a client that lost an answer can be given the
//! same one. What a generation means is decided in `auth::sessions`.

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

/// Marks our refresh tokens, for those who scan repositories and logs for leaked secrets.
const PREFIX: &str = "agr_";
const BODY_LENGTH: usize = 16 + 8;
const LENGTH: usize = BODY_LENGTH + MacKey::TAG_LENGTH;

/// Which of the tokens of a session: the first is 0, each rotation adds 1.
pub type Generation = i64;

/// Makes and reads refresh tokens.
#[derive(Debug)]
pub struct RefreshTokens(MacKeys);

impl RefreshTokens {
    /// Derives the keys.
    #[must_use]
    pub fn new(secrets: &Secrets, clock: Clock) -> Self {
        Self(MacKeys::derive(secrets, "refresh token", clock))
    }

    /// The token of a generation of a session; always the same while the secret is.
    #[must_use]
    pub fn encode(&self, session: SessionId, generation: Generation) -> SecretString {
        let mut bytes = [0; LENGTH];
        bytes[..16].copy_from_slice(session.0.as_bytes());
        bytes[16..BODY_LENGTH].copy_from_slice(&generation.to_be_bytes());
        let tag = self.0.sign(&bytes[..BODY_LENGTH]);
        bytes[BODY_LENGTH..].copy_from_slice(&tag);
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into()
    }

    /// The session and the generation that a token names.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`] when we did not make it, to the last character.
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

    /// Returns whether a text has the form of our refresh tokens.
    #[must_use]
    pub fn recognises(token: &SecretString) -> bool {
        token.expose_secret().starts_with(PREFIX)
    }
}
