//! Tokens against cross-site request forgery. A token is an HMAC over the session identifier: it is not stored, it is
//! valid as long as the session, and all tabs of a browser share it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use settings::Secrets;

use super::derived::MacKey;
use super::mac_keys::MacKeys;
use model::clock::Clock;
use model::values::SessionId;

/// Creates and checks the tokens.
#[derive(Debug)]
pub struct CsrfTokens(MacKeys);

impl CsrfTokens {
    /// Derives the keys from the secrets.
    #[must_use]
    pub fn new(secrets: &Secrets, clock: Clock) -> Self {
        Self(MacKeys::derive(secrets, "csrf token", clock))
    }

    /// Returns the token of a session, which is the same until the master secret is replaced.
    #[must_use]
    pub fn encode(&self, session: SessionId) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.sign(session.0.as_bytes()))
    }

    /// Returns whether the token belongs to this session, in constant time.
    #[must_use]
    pub fn verify(&self, session: SessionId, token: &str) -> bool {
        let mut tag = [0; MacKey::TAG_LENGTH];
        BASE64_URL_SAFE_NO_PAD.decode_slice(token, &mut tag) == Ok(MacKey::TAG_LENGTH)
            && self.0.verify(session.0.as_bytes(), &tag)
    }
}
