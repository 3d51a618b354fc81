//! The first proof with a password.

use credentials::Place;
use model::error::Result;
use model::values::{Email, Method, is_sample_password};
use secrecy::SecretString;
use store::user_credentials;
use store::users;

use super::proof::{ComparedCredential, Outcome, Proof};
use crate::app::App;
use crate::limits::Attempt;

/// Proves the identity of a user with an address and a password.
///
/// An unknown address and a wrong password get the same answer after the same time.
pub(super) async fn prove(
    app: &App,
    place: Place<'_>,
    attempt: Attempt,
    email: &Email,
    password: &SecretString,
) -> Result<Outcome> {
    let users::Candidate { user, password: credential, decoy } = users::candidate(&app.db, email).await?;
    let hash = credential.as_ref().map(|credential| credential.secret.as_str());
    let right = place.verify(password, hash, decoy.as_deref()).await?;
    let (user, credential) = match (user, credential) {
        (Some(user), Some(credential)) if right => (user, credential),
        (user, _) => return Ok(Outcome::Refused { user }),
    };
    let renewed = renewed_hash(app, &credential, password).await;
    Ok(Outcome::Proved(Proof {
        user,
        methods: vec![Method::Password],
        is_sample: is_sample_password(password),
        compared: Some(ComparedCredential { credential, renewed }),
        attempt: Some(attempt),
    }))
}

/// Returns a hash of our own that replaces an imported hash or one with another cost. Returns `None` when the hash is
/// current, or when the hashing threads are busy; the next sign-in renews it then.
async fn renewed_hash(app: &App, credential: &user_credentials::Model, password: &SecretString) -> Option<String> {
    if app.passwords.pool.is_current(&credential.secret) { None } else { app.passwords.pool.hash(password).await.ok() }
}
