//! Encrypting what is stored under the master secret in use, once that was replaced.

use crate::app::App;
use model::error::Result;
use store::{signing_keys, webhooks};

/// Encrypts the signing keys and the secrets of webhooks anew that are not encrypted under the secret in use.
///
/// # Errors
/// When the database fails, or something does not open.
pub(crate) async fn reseal(app: &App) -> Result<()> {
    for stored in signing_keys::usable(&app.db, app.clock.now()).await? {
        if let Some(private_key) = app.tokens.keyring.reseal(&stored.kid, &stored.private_key)? {
            signing_keys::reseal(&app.db, &stored.kid, private_key).await?;
            tracing::info!(kid = stored.kid, "a signing key was encrypted under the secret in use");
        }
    }
    for stored in webhooks::all(&app.db).await? {
        for sealed in [Some(&stored.secret), stored.previous_secret.as_ref()].into_iter().flatten() {
            if let Some(resealed) = app.webhooks.secrets.reseal(stored.id, sealed)? {
                webhooks::reseal(&app.db, stored.id, sealed, resealed).await?;
            }
        }
    }
    Ok(())
}
