//! The secrets that webhooks are signed with, as they are stored: encrypted, each bound to its endpoint.

use super::derived::Sealing;
use model::config::Secrets;
use model::error::Result;
use model::values::{WebhookId, WebhookSecret};

/// Encrypts and opens them.
#[derive(Debug)]
pub struct WebhookSecrets(Sealing);

impl WebhookSecrets {
    /// Returns the secrets of webhooks, under a key that is derived from the master secret.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        Self(Sealing::derive(secrets, "webhook secrets"))
    }

    /// Encrypts the secret of an endpoint.
    ///
    /// # Errors
    /// [`model::error::Error::Internal`] when there is no randomness.
    pub fn seal(&self, webhook: WebhookId, secret: &WebhookSecret) -> Result<Vec<u8>> {
        self.0.seal(&name(webhook), secret.as_bytes())
    }

    /// Opens the secret of an endpoint.
    ///
    /// # Errors
    /// [`model::error::Error::Internal`] when it was stored under another master secret.
    pub fn open(&self, webhook: WebhookId, sealed: &[u8]) -> Result<WebhookSecret> {
        self.0.open(&name(webhook), sealed).map(WebhookSecret::from_bytes)
    }

    /// Encrypts a stored secret anew, unless it is encrypted under the master secret in use.
    ///
    /// # Errors
    /// [`model::error::Error::Internal`] when it does not open.
    pub fn reseal(&self, webhook: WebhookId, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        self.0.reseal(&name(webhook), sealed)
    }
}

fn name(webhook: WebhookId) -> String {
    format!("webhook {webhook}")
}
