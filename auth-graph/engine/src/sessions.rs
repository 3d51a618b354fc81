//! Sessions: signing in, refreshing, and the ways to end one.
//!
//! Whatever must end a token ends its session, in the same transaction as the reason.

mod ending;
mod logout;
mod refresh;

use chrono::{DateTime, Duration, Utc};
use secrecy::SecretString;

use super::callers::scopes_of;
use super::claims::{self, Answer};
use crate::app::App;
use credentials::RefreshTokens;
use credentials::access_tokens::Grant;
use model::error::Result;
use model::values::{Holder, Scopes, SessionId};
use store::{sessions, users};

use super::callers::Principal;

pub(crate) use ending::{Ended, Reason};
pub use logout::{LogoutTarget, logout, revoke};
pub use refresh::refresh;

/// An access token and the refresh token that follows it.
#[derive(Debug)]
pub struct TokenPair {
    /// The session that they belong to.
    pub session: SessionId,
    /// For every other call.
    pub access_token: SecretString,
    /// Expiry of the access token (UTC).
    pub expires_at: DateTime<Utc>,
    /// For how long the access token is good.
    pub expires_in: Duration,
    /// For the next refresh.
    pub refresh_token: SecretString,
    /// Time at which the session ends unless it is refreshed (UTC).
    pub refresh_expires_at: DateTime<Utc>,
    /// For how long the refresh token is good.
    pub refresh_expires_in: Duration,
    /// Scopes of the access token.
    pub scope: Scopes,
    /// User who signed in.
    pub user: users::Model,
}

/// Returns whether a token has the form of a refresh token, whether or not it is good.
#[must_use]
pub fn is_refresh_token(token: &SecretString) -> bool {
    RefreshTokens::recognises(token)
}

/// Your own sessions that have not ended, the latest first.
pub async fn list(app: &App, principal: &Principal) -> Result<Vec<sessions::Model>> {
    match principal.user() {
        Some(user) => Ok(sessions::live_of(&app.db, user, app.clock.now()).await?),
        None => Ok(Vec::new()),
    }
}

/// Deletes the sessions that ended longer ago than they are kept: they contain network addresses.
pub(crate) async fn purge(app: &App, now: DateTime<Utc>) -> Result<()> {
    sessions::purge(&app.db, now - app.config.audit.session_retention).await?;
    Ok(())
}

/// The tokens of a session, its newest generation.
pub(crate) fn issue(
    app: &App,
    session: &sessions::Model,
    user: users::Model,
    answer: Answer,
    now: DateTime<Utc>,
) -> Result<TokenPair> {
    let scope = scope_of(app, session, &user);
    let audience = session.audience(&app.config.tokens.audience);
    let lifetime = app.config.tokens.access_lifetime;
    let expires_at = (now + lifetime).min(session.absolute_expires_at);
    let grant = Grant {
        holder: Holder::User(user.id, session.id),
        client_id: session.client_id.clone(),
        scope: scope.clone(),
        auth_time: session.auth_time,
        amr: session.amr.to_strings(),
        additional: claims::of_user(app, &user, audience, answer),
        act: None,
        issued_at: now,
        expires_at,
    };
    Ok(TokenPair {
        session: session.id,
        access_token: app.tokens.access.mint_for(&app.tokens.keyring, audience, grant)?,
        expires_at,
        expires_in: expires_at - now,
        refresh_token: app.tokens.refresh.encode(session.id, session.generation),
        refresh_expires_at: session.expires_at,
        refresh_expires_in: session.expires_at - now,
        scope,
        user,
    })
}

/// Returns the scopes of a session: those that were requested, as far as the user has them and the audience may have
/// them.
pub(crate) fn scope_of(app: &App, session: &sessions::Model, user: &users::Model) -> Scopes {
    let held = app.config.scopes_for(session.audience(&app.config.tokens.audience), scopes_of(app, user));
    session.scope.as_ref().map_or(held.clone(), |asked| held.intersection(asked))
}

/// Returns the end of a session that is used now, unless its absolute end is earlier.
pub(crate) fn idle_end(app: &App, now: DateTime<Utc>) -> DateTime<Utc> {
    now + app.config.tokens.idle_lifetime
}
