//! Checking an access token: from its text to a [`Principal`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use credentials::access_tokens::CheckedToken;
use credentials::{AccessTokens, Claims, Keyring};
use model::error::Error;
use model::values::{ClientId, Holder, Revoked, TokenId, UserId};
use sea_orm::DbErr;
use secrecy::SecretString;
use store::{clients, revoked_tokens, sessions, signing_keys};

use super::principal::Principal;
use crate::app::App;
use crate::keys;

/// The reason for which a token was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The token was valid and has expired.
    Expired,
    /// The token was not issued by this service, or is not meant for this use.
    Invalid,
    /// The session of the token has ended.
    Revoked,
    /// The keys could not be read, so the state of the token is unknown.
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

/// Checks an access token: its signature, its claims, and that its session has not ended. A warm check sends no query
/// to the database.
///
/// # Errors
/// The [`Refusal`].
pub async fn authenticate(app: &App, token: &SecretString) -> Result<Principal, Refusal> {
    examine(app, token, AccessTokens::check).await
}

/// Checks an access token for any audience. It is for callers who ask about a token, never for authenticating its
/// bearer.
///
/// # Errors
/// The [`Refusal`].
pub(crate) async fn inspect(app: &App, token: &SecretString) -> Result<Principal, Refusal> {
    examine(app, token, AccessTokens::check_for_any).await
}

/// Returns the subject of a token that was rejected because its session has ended, for the message to its bearer.
pub(crate) fn subject_of_revoked(app: &App, token: &SecretString) -> Option<UserId> {
    let checked = app.tokens.access.check(&app.tokens.keyring, token, app.clock.now()).ok()?;
    checked.claims.holder().subject().user()
}

type Check = fn(&AccessTokens, &Keyring, &SecretString, DateTime<Utc>) -> Result<Arc<CheckedToken>, Error>;

async fn examine(app: &App, token: &SecretString, check: Check) -> Result<Principal, Refusal> {
    let now = app.clock.now();
    let mut checked = check(&app.tokens.access, &app.tokens.keyring, token, now);
    if checked.is_err() && AccessTokens::names_unknown_key(&app.tokens.keyring, token) {
        // Another replica may have created the key a moment ago.
        match keys::reload(app).await {
            Ok(keys::Reload::Done) => checked = check(&app.tokens.access, &app.tokens.keyring, token, now),
            Ok(keys::Reload::TooSoon) => {}
            Err(error) => {
                tracing::error!(error = errors::explain(&error), "the signing keys could not be read");
                return Err(Refusal::Unknown);
            }
        }
        app.tokens.access.report_unknown_key(&app.tokens.keyring, token, now);
    }
    match checked {
        Ok(token) => is_live(app, &token, now).await.map(|()| Principal::of(token)),
        Err(Error::TokenExpired) => Err(Refusal::Expired),
        Err(_) => Err(Refusal::Invalid),
    }
}

/// Checks that the session has not ended and the key is not withdrawn: in memory, or in the database when the memory is
/// out of date.
async fn is_live(app: &App, token: &CheckedToken, now: DateTime<Utc>) -> Result<(), Refusal> {
    let claims = &token.claims;
    if is_revoked(app, claims) {
        return Err(Refusal::Revoked);
    }
    if !app.tokens.revocations.is_stale(now) {
        return Ok(());
    }
    let unknown = |error: sea_orm::DbErr| {
        tracing::error!(error = errors::explain(&error), "the session could not be read");
        Refusal::Unknown
    };
    let live = match claims.holder() {
        Holder::Client(client) => is_client_live(app, client, claims.jti).await.map_err(unknown)?,
        Holder::User(_, session) => {
            let session = sessions::find(&app.live_db, session).await.map_err(unknown)?;
            session.is_some_and(|session| session.revoked_at.is_none())
        }
    };
    if !live {
        return Err(Refusal::Revoked);
    }
    if signing_keys::is_usable(&app.live_db, &token.kid, now).await.map_err(unknown)? {
        Ok(())
    } else {
        Err(Refusal::Invalid)
    }
}

async fn is_client_live(app: &App, client: ClientId, token: TokenId) -> Result<bool, DbErr> {
    let client = clients::find(&app.live_db, client).await?;
    let active = client.is_some_and(|client| client.is_active());
    Ok(active && !revoked_tokens::contains(&app.live_db, token).await?)
}

fn is_revoked(app: &App, claims: &Claims) -> bool {
    let revocations = &app.tokens.revocations;
    let holder = claims.holder();
    let single = holder.session().is_none() && revocations.contains(Revoked::Token(claims.jti));
    single || revocations.contains(holder.revocable())
}

/// Checks a principal again that was authenticated earlier.
///
/// # Errors
/// The [`Refusal`], when the token has expired, its session has ended or its key was withdrawn since.
pub fn recheck(app: &App, principal: &Principal, now: DateTime<Utc>) -> Result<(), Refusal> {
    if principal.claims().exp <= now.timestamp() {
        Err(Refusal::Expired)
    } else if is_revoked(app, principal.claims()) {
        Err(Refusal::Revoked)
    } else if app.tokens.keyring.current().find(&principal.checked().kid).is_none() {
        Err(Refusal::Invalid)
    } else {
        Ok(())
    }
}
