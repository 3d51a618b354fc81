//! Who is calling: from an access token to a [`Principal`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::keys;
use crate::app::App;
use crate::credentials::access_tokens::CheckedToken;
use crate::credentials::{AccessTokens, Claims};
use crate::error::Error;
use crate::store::{sessions, signing_keys, users};
use crate::values::{Scopes, SessionId, UserId};

/// The verified caller.
#[derive(Clone, Debug)]
pub struct Principal(Arc<CheckedToken>);

impl Principal {
    /// The user.
    #[must_use]
    pub fn subject(&self) -> UserId {
        self.0.claims.sub
    }

    /// The session that the token belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.0.claims.sid
    }

    /// Whether the token allows this.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.0.scopes.contains(scope)
    }

    /// What the token says.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.0.claims
    }

    /// What the token allows.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was good once.
    Expired,
    /// It is not a token of ours, or not meant for this use.
    Invalid,
    /// Its session has ended.
    Revoked,
    /// The keys could not be read, so nobody knows.
    Unknown,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Expired => Self::TokenExpired,
            Refusal::Invalid => Self::TokenInvalid,
            Refusal::Revoked => Self::TokenRevoked,
            Refusal::Unknown => Self::Unavailable { retry_after: Duration::from_secs(1), source: None },
        }
    }
}

/// Checks an access token: signature, claims, and that its session was not ended. A warm check asks no database.
///
/// # Errors
/// The [`Refusal`].
pub async fn authenticate(app: &App, token: &SecretString) -> Result<Principal, Refusal> {
    let now = app.clock.now();
    let mut checked = app.access_tokens.check(&app.keyring, token, now);
    if checked.is_err() && AccessTokens::names_unknown_key(&app.keyring, token) {
        // Another replica may have made the key a moment ago.
        match keys::reload(app).await {
            Ok(keys::Reload::Done) => checked = app.access_tokens.check(&app.keyring, token, now),
            Ok(keys::Reload::TooSoon) => {}
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the signing keys could not be read");
                return Err(Refusal::Unknown);
            }
        }
    }
    match checked {
        Ok(token) => is_live(app, &token, now).await.map(|()| Principal(token)),
        Err(Error::TokenExpired) => Err(Refusal::Expired),
        Err(_) => Err(Refusal::Invalid),
    }
}

/// Whether a session was not ended nor the key withdrawn: by what is in memory, or by the database when that has fallen
/// behind.
async fn is_live(app: &App, token: &CheckedToken, now: DateTime<Utc>) -> Result<(), Refusal> {
    let session = token.claims.sid;
    if app.revocations.contains(session) {
        return Err(Refusal::Revoked);
    }
    if !app.revocations.is_stale(now) {
        return Ok(());
    }
    let unknown = |error: sea_orm::DbErr| {
        tracing::error!(error = &error as &dyn std::error::Error, "the session could not be read");
        Refusal::Unknown
    };
    match sessions::find(&app.db, session).await.map_err(unknown)? {
        Some(session) if session.revoked_at.is_none() => {}
        _ => return Err(Refusal::Revoked),
    }
    if signing_keys::is_usable(&app.db, &token.kid, now).await.map_err(unknown)? {
        Ok(())
    } else {
        Err(Refusal::Invalid)
    }
}

/// Looks again at a principal that was authenticated a while ago.
///
/// # Errors
/// The [`Refusal`], when the token has expired, its session has ended or its key was withdrawn since.
pub fn recheck(app: &App, principal: &Principal) -> Result<(), Refusal> {
    if principal.claims().exp <= app.clock.now().timestamp() {
        Err(Refusal::Expired)
    } else if app.revocations.contains(principal.session()) {
        Err(Refusal::Revoked)
    } else if app.keyring.current().find(&principal.0.kid).is_none() {
        Err(Refusal::Invalid)
    } else {
        Ok(())
    }
}

/// Everything that a user may ask for: their own scopes and those of their roles.
#[must_use]
pub fn scopes_of(app: &App, user: &users::Model) -> Scopes {
    let mut scopes = user.scopes.clone();
    for role in user.roles() {
        scopes.extend(app.config.roles.get(&role).into_iter().flat_map(Scopes::iter).cloned());
    }
    scopes
}
