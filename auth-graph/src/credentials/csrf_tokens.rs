//! Tokens against cross-site request forgery: an HMAC over the session, so that none is stored, it lives as long as the
//! session, and all tabs share one.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::derived::MacKey;
use crate::config::MasterSecret;
use crate::values::SessionId;

/// Makes and checks the tokens.
#[derive(Debug)]
pub struct CsrfTokens(MacKey);

impl CsrfTokens {
    /// Derives the key.
    #[must_use]
    pub fn new(secret: &MasterSecret) -> Self {
        Self(MacKey::derive(secret, "csrf token"))
    }

    /// The token of a session; always the same.
    #[must_use]
    pub fn encode(&self, session: SessionId) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.sign(session.0.as_bytes()))
    }

    /// Whether it is the token of this session. The comparison takes the same time whatever differs.
    #[must_use]
    pub fn verify(&self, session: SessionId, token: &str) -> bool {
        let mut tag = [0; MacKey::TAG_LENGTH];
        BASE64_URL_SAFE_NO_PAD.decode_slice(token, &mut tag) == Ok(MacKey::TAG_LENGTH)
            && self.0.verify(session.0.as_bytes(), &tag)
    }
}
