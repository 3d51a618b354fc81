//! The first proof with a password.

use model::error::Result;
use model::values::{Email, Method, is_sample_password};
use secrecy::SecretString;
use store::user_credentials;
use store::users;

use super::proof::{ComparedCredential, Outcome, Proof};
use crate::app::App;
use crate::callers::Device;
use crate::limits::{Attempt, LimitedAction};

/// Proves the identity of a user with an address and a password.
///
/// An unknown address and a wrong password get the same answer after the same time.
///
/// # Errors
/// [`Error::RateLimited`](model::error::Error::RateLimited) before any work is done;
/// [`Error::Unavailable`](model::error::Error::Unavailable) when too many others are signing in.
pub(super) async fn prove(app: &App, email: &Email, password: &SecretString, device: &Device) -> Result<Outcome> {
    let (limited, now) = (LimitedAction::Password(email), app.clock.now());
    let attempt = Attempt::take(&app.relaxed_db, &app.config.limits, limited, device.address, now).await?;
    let users::Candidate { user, password: credential, decoy } = users::candidate(&app.db, email).await?;
    let hash = credential.as_ref().map(|credential| credential.secret.as_str());
    let (right, attempt) = compare(app, attempt, password, hash, decoy.as_deref()).await?;
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

/// Compares a password for which an attempt was taken, as [`credentials::PasswordPool::verify`] does. The attempt is
/// given back when the password could not be compared.
///
/// # Errors
/// [`Error::Unavailable`](model::error::Error::Unavailable) when too many passwords are being hashed.
pub(crate) async fn compare(
    app: &App,
    attempt: Attempt,
    password: &SecretString,
    hash: Option<&str>,
    decoy: Option<&str>,
) -> Result<(bool, Attempt)> {
    match app.passwords.pool.verify(password, hash, decoy).await {
        Ok(right) => Ok((right, attempt)),
        Err(error) => {
            attempt.give_back(&app.relaxed_db).await?;
            Err(error)
        }
    }
}

/// Returns a hash of our own that replaces an imported hash or one with another cost. Returns `None` when the hash is
/// current, or when the hashing threads are busy; the next sign-in renews it then.
async fn renewed_hash(app: &App, credential: &user_credentials::Model, password: &SecretString) -> Option<String> {
    if app.passwords.pool.is_current(&credential.secret) { None } else { app.passwords.pool.hash(password).await.ok() }
}
