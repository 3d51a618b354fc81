//! Encrypts the secrets that sign webhooks, each bound to its endpoint.

use super::derived::Sealing;
use model::config::Secrets;
use model::error::Result;
use model::values::{WebhookId, WebhookSecret};

/// Encrypts and decrypts the secrets of webhooks.
#[derive(Debug)]
pub struct WebhookSecrets(Sealing);

impl WebhookSecrets {
    /// Derives the encryption key from the master secret.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        Self(Sealing::derive(secrets, "webhook secrets"))
    }

    /// Encrypts the secret of an endpoint.
    ///
    /// # Errors
    /// [`model::error::Error::Internal`] when the random number generator fails.
    pub fn seal(&self, webhook: WebhookId, secret: &WebhookSecret) -> Result<Vec<u8>> {
        self.0.seal(&name(webhook), secret.as_bytes())
    }

    /// Decrypts the secret of an endpoint.
    ///
    /// # Errors
    /// [`model::error::Error::Internal`] when it was stored under another master secret.
    pub fn open(&self, webhook: WebhookId, sealed: &[u8]) -> Result<WebhookSecret> {
        self.0.open(&name(webhook), sealed).map(WebhookSecret::from_bytes)
    }

    /// Encrypts a stored secret under the current master secret, or returns `None` when it already is.
    ///
    /// # Errors
    /// [`model::error::Error::Internal`] when it cannot be decrypted.
    pub fn reseal(&self, webhook: WebhookId, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        self.0.reseal(&name(webhook), sealed)
    }
}

fn name(webhook: WebhookId) -> String {
    format!("webhook {webhook}")
}
