//! Verifies access and refresh tokens. An invalid token is a result and not an error.

mod basis;

pub use basis::{Basis, BasisState};

use secrecy::SecretString;

use super::callers::{Principal, Refusal, authenticate, authentication};
use crate::app::App;
use credentials::RefreshTokens;
use model::error::{Error, Result};
use model::values::UserId;
use store::{sessions, users};

/// A verified token.
#[derive(Clone, Debug)]
pub enum Verified {
    /// A valid access token.
    Access(Principal),
    /// A valid refresh token, with its session.
    Refresh(Box<sessions::Model>),
}

impl Verified {
    /// Returns the user of the token, or `None` for a token of a service client.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::Access(principal) => principal.user(),
            Self::Refresh(session) => Some(session.user_id),
        }
    }
}

/// Checks a token.
///
/// # Errors
/// When the database fails. An invalid token is `Ok(Err(refusal))`.
pub async fn verify(app: &App, token: &SecretString) -> Result<Result<Verified, Refusal>> {
    let answer = if RefreshTokens::recognises(token) {
        verify_refresh(app, token).await?
    } else {
        authenticate(app, token).await.map(Verified::Access)
    };
    counted(app, answer)
}

/// Checks a token like [`verify`], but accepts access tokens of any audience. The caller decides who may see the
/// result.
///
/// # Errors
/// As [`verify`].
pub(crate) async fn inspect(app: &App, token: &SecretString) -> Result<Result<Verified, Refusal>> {
    let answer = if RefreshTokens::recognises(token) {
        verify_refresh(app, token).await?
    } else {
        authentication::inspect(app, token).await.map(Verified::Access)
    };
    counted(app, answer)
}

fn counted(app: &App, answer: Result<Verified, Refusal>) -> Result<Result<Verified, Refusal>> {
    match &answer {
        Ok(_) => app.metrics.verifications_active.increment(1),
        Err(Refusal::Unknown) => return Err(Refusal::Unknown.into()),
        Err(_) => app.metrics.verifications_inactive.increment(1),
    }
    Ok(answer)
}

/// Returns the user of a valid token, if the user still exists.
pub async fn user_of(app: &App, verified: &Verified) -> Result<Option<users::Model>> {
    match verified.user() {
        Some(user) => Ok(users::find(&app.live_db, user).await?),
        None => Ok(None),
    }
}

/// Checks a refresh token without consequences: an outdated token does not end its session here.
async fn verify_refresh(app: &App, token: &SecretString) -> Result<Result<Verified, Refusal>> {
    let (id, generation) = match app.tokens.refresh.decode(token) {
        Ok(named) => named,
        Err(Error::TokenInvalid) => return Ok(Err(Refusal::Invalid)),
        Err(error) => return Err(error),
    };
    let Some(session) = sessions::find(&app.live_db, id).await? else {
        return Ok(Err(Refusal::Invalid));
    };
    Ok(if session.revoked_at.is_some() {
        Err(Refusal::Revoked)
    } else if !session.is_live(app.clock.now()) {
        Err(Refusal::Expired)
    } else if session.generation - generation > 1 {
        Err(Refusal::Invalid)
    } else {
        Ok(Verified::Refresh(Box::new(session)))
    })
}
