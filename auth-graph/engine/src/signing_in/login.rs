//! Signing in with a password.

use model::error::{Error, Result};
use model::values::{Method, Password, Scopes};
use store::user_credentials;

use super::begin::{SessionRequest, begin};
use super::challenge::challenge;
use super::identifier::Identifier;
use super::proof::{ComparedCredential, Proof};
use crate::app::App;
use crate::callers::Device;
use crate::comparing::{self, Claim};
use crate::sessions::TokenPair;

/// The input of a sign-in with a password.
#[derive(Debug)]
pub struct Login {
    /// Address or user name of the account.
    pub identifier: Identifier,
    /// Password of the account.
    pub password: Password,
    /// Maximum scopes of the tokens; `None` for all scopes of the user.
    pub scope: Option<Scopes>,
    /// Audience of the tokens; `None` for the services of this graph.
    pub audience: Option<String>,
}

/// Begins a session.
///
/// An unknown address or user name, a wrong password and a disabled user get the same answer after the same time.
///
/// # Errors
/// [`Error::ValidationFailed`] when there is no such audience, and for a user name when the configuration does not
/// accept them; [`Error::InvalidCredentials`]; [`Error::RateLimited`] before any work is done; [`Error::Unavailable`]
/// when too many others are signing in, or the claims hook fails.
pub async fn login(app: &App, login: Login, device: &Device) -> Result<TokenPair> {
    let request = SessionRequest { scope: login.scope, audience: login.audience }.check(app)?;
    login.identifier.check(app)?;
    let (claim, password) = (Claim::SignIn(&login.identifier), &login.password);
    comparing::compare(app, claim, password, device, async |right| {
        let renewed = renewed_hash(app, &right.credential, password).await;
        let proof = Proof {
            user: right.user,
            methods: vec![Method::Password],
            compared: Some(ComparedCredential { credential: right.credential, renewed }),
            attempt: Some(right.attempt),
        };
        let sufficient = challenge(proof).ok_or(Error::InvalidCredentials)?;
        begin(app, sufficient, request, device).await
    })
    .await
}

/// Returns a hash of our own that replaces an imported hash or one with another cost. Returns `None` when the hash is
/// current, or when the hashing threads are busy; the next sign-in renews it then.
async fn renewed_hash(app: &App, credential: &user_credentials::Model, password: &Password) -> Option<String> {
    if app.passwords.pool.is_current(&credential.secret) { None } else { app.passwords.pool.hash(password).await.ok() }
}
