//! Secrets that sign requests to other services.

use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Prefix of secrets, as Standard Webhooks requires.
const PREFIX: &str = "whsec_";

/// Shared secret of 24 to 64 bytes, as Standard Webhooks requires.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    /// Parses `whsec_` and the bytes in base64.
    ///
    /// # Errors
    /// The reason why the text is not a secret. It does not contain the text.
    pub fn parse(text: &SecretString) -> Result<Self, &'static str> {
        let encoded = text.expose_secret().strip_prefix(PREFIX);
        let bytes = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok()).map(Zeroizing::new);
        match bytes {
            Some(bytes) if (24..=64).contains(&bytes.len()) && !settings::is_pattern(&bytes) => Ok(Self(bytes)),
            _ => Err("must be whsec_ and 24 to 64 random bytes in base64"),
        }
    }

    /// Generates a secret of 32 random bytes.
    ///
    /// # Errors
    /// [`Error::Internal`] when no random bytes are available.
    pub fn generate() -> Result<Self> {
        let mut bytes = Zeroizing::new(vec![0; 32]);
        rand::fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
        Ok(Self(bytes))
    }

    /// Returns the form that [`Self::parse`] accepts.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        format!("{PREFIX}{}", BASE64_STANDARD.encode(&*self.0)).into()
    }

    /// Returns the secret with these stored bytes.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("WebhookSecret")
    }
}
