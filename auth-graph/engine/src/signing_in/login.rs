//! Signing in with a password.

use model::error::{Error, Result};
use model::values::{Email, Method, Scopes, UserId};
use secrecy::SecretString;

use super::begin::{SessionRequest, begin};
use super::challenge::challenge;
use super::events::{self, Event};
use super::password;
use super::proof::Outcome;
use crate::app::App;
use crate::callers::Device;
use crate::limits::{self, LimitedAction};
use crate::sessions::TokenPair;

/// The input of a sign-in with a password.
#[derive(Debug)]
pub struct Login {
    /// Address of the account.
    pub email: Email,
    /// Password of the account.
    pub password: SecretString,
    /// Maximum scopes of the tokens; `None` for all scopes of the user.
    pub scope: Option<Scopes>,
    /// Audience of the tokens; `None` for the services of this graph.
    pub audience: Option<String>,
}

/// Begins a session.
///
/// An unknown address, a wrong password and a disabled user get the same answer after the same time.
///
/// # Errors
/// [`Error::ValidationFailed`] when there is no such audience; [`Error::InvalidCredentials`]; [`Error::RateLimited`]
/// before any work is done; [`Error::Unavailable`] when too many others are signing in, or the claims hook fails.
pub async fn login(app: &App, login: Login, device: &Device) -> Result<TokenPair> {
    let request = SessionRequest { scope: login.scope, audience: login.audience }.check(app)?;
    let place = app.passwords.pool.reserve().inspect_err(|_| app.metrics.logins_shed.increment(1))?;
    let granted = limits::attempt(app, LimitedAction::Password(&login.email), device.address, async |attempt| {
        let outcome = password::prove(app, place, attempt, &login.email, &login.password).await?;
        let proof = match outcome {
            Outcome::Proved(proof) => proof,
            Outcome::Refused { user } => return refuse(app, user.map(|user| user.id), device).await,
        };
        let user = proof.user.id;
        let begun = match challenge(app, proof) {
            Some(sufficient) => begin(app, sufficient, request, device).await?,
            None => None,
        };
        match begun {
            Some(pair) => Ok(pair),
            None => refuse(app, Some(user), device).await,
        }
    });
    match granted.await {
        Ok(pair) => {
            app.metrics.logins_granted.increment(1);
            Ok(pair)
        }
        Err(error) => {
            if matches!(error, Error::RateLimited { .. }) {
                app.metrics.logins_limited.increment(1);
            }
            Err(error)
        }
    }
}

/// Records a rejected sign-in as a metric and a login event.
async fn refuse(app: &App, user: Option<UserId>, device: &Device) -> Result<TokenPair> {
    app.metrics.logins_refused.increment(1);
    let event = Event { user, session: None, method: Some(Method::Password) };
    events::refused(&app.relaxed_db, event, device, app.clock.now()).await?;
    Err(Error::InvalidCredentials)
}
