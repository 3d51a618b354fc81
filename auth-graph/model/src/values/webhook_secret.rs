//! The secrets that requests to other services are signed with.

use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Marks them, as Standard Webhooks asks.
const PREFIX: &str = "whsec_";

/// A shared secret of 24 to 64 bytes, as Standard Webhooks asks.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    /// Reads `whsec_` and the bytes in base64.
    ///
    /// # Errors
    /// What is wrong with it, without showing it.
    pub fn parse(text: &SecretString) -> Result<Self, &'static str> {
        let encoded = text.expose_secret().strip_prefix(PREFIX);
        let bytes = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok()).map(Zeroizing::new);
        match bytes {
            Some(bytes) if (24..=64).contains(&bytes.len()) => Ok(Self(bytes)),
            _ => Err("must be whsec_ and 24 to 64 random bytes in base64"),
        }
    }

    /// 32 random bytes.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no randomness.
    pub fn generate() -> Result<Self> {
        let mut bytes = Zeroizing::new(vec![0; 32]);
        rand::fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
        Ok(Self(bytes))
    }

    /// The form that [`Self::parse`] reads.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        format!("{PREFIX}{}", BASE64_STANDARD.encode(&*self.0)).into()
    }

    /// The bytes, as they were stored.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes.
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
