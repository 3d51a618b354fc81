//! Identifying the calling client: a service client that authenticates, or the public client that people sign in with.

use std::sync::Arc;

use secrecy::SecretString;

use crate::app::App;
use crate::callers::Device;
use crate::limits::{Attempt, LimitedAction};
use credentials::client_secrets;
use model::error::{Error, Result};
use model::values::ClientId;
use store::clients::{self, FIRST_PARTY};

/// The credentials that a client presents.
#[derive(Debug)]
pub struct Credentials {
    /// Identifier of the client.
    pub client_id: String,
    /// Secret of the client; a public client has none.
    pub secret: Option<SecretString>,
}

/// The client that presents a token or asks for one.
#[derive(Debug)]
pub enum CallingClient {
    /// The public client that people sign in with. Any caller can claim to be it: its permissions depend on the token
    /// alone.
    FirstParty,
    /// A service client that has authenticated.
    Service(Arc<clients::Model>),
}

impl CallingClient {
    /// Returns the claim `client_id` of its tokens.
    #[must_use]
    pub fn client_id(&self) -> String {
        match self {
            Self::FirstParty => FIRST_PARTY.to_owned(),
            Self::Service(client) => client.id.to_string(),
        }
    }
}

/// Returns the client, from memory where that is up to date.
async fn find(app: &App, id: ClientId) -> Result<Option<Arc<clients::Model>>> {
    let fresh = !app.tokens.revocations.is_stale(app.clock.now());
    let moment = match app.known_clients.find(id) {
        Ok(known) if fresh => return Ok(Some(known)),
        Ok(_) => None,
        Err(moment) => Some(moment),
    };
    let found = clients::find(&app.db, id).await?.map(Arc::new);
    if let (Some(client), Some(moment)) = (&found, moment) {
        app.known_clients.remember(client, moment);
    }
    Ok(found)
}

/// Identifies the calling client.
///
/// # Errors
/// As [`authenticate`]; a service client without its secret is rejected like one with a wrong secret.
pub async fn identify(app: &App, credentials: &Credentials, device: &Device) -> Result<CallingClient> {
    match &credentials.secret {
        None if credentials.client_id == FIRST_PARTY => Ok(CallingClient::FirstParty),
        _ => authenticate(app, credentials, device).await.map(CallingClient::Service),
    }
}

/// Authenticates a service client by its secret. An unknown client, a disabled client, a wrong secret and no secret get
/// the same answer.
///
/// Failures are counted instead of attempts, unlike a person's log-ins. A service asks often and in parallel, and a
/// secret of 256 bits cannot be guessed by any number of attempts. Therefore an attacker cannot lock a service out by
/// failing in its name.
///
/// # Errors
/// [`Error::InvalidCredentials`]; [`Error::RateLimited`] instead, after many of these.
pub async fn authenticate(app: &App, credentials: &Credentials, device: &Device) -> Result<Arc<clients::Model>> {
    let found = match credentials.client_id.parse::<ClientId>() {
        Ok(id) => find(app, id).await?,
        Err(_) => None,
    };
    let hash = found.as_ref().and_then(|client| client.secret_hash.as_deref());
    let right = credentials.secret.as_ref().is_some_and(|secret| client_secrets::matches(secret, hash));
    match found {
        Some(client) if right && client.is_active() => Ok(client),
        _ => {
            let (limits, now) = (&app.config.limits, app.clock.now());
            let _spent = Attempt::take(
                &app.relaxed_db,
                limits,
                LimitedAction::ClientSecret(&credentials.client_id),
                device.address,
                now,
            )
            .await?;
            Err(Error::InvalidCredentials)
        }
    }
}
