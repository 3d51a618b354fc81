//! Who is calling: from an access token to a [`Principal`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::DbErr;
use secrecy::SecretString;

use super::keys;
use crate::app::App;
use crate::credentials::access_tokens::CheckedToken;
use crate::credentials::{AccessTokens, Claims, Keyring};
use crate::error::Error;
use crate::store::{revoked_tokens, service_clients, sessions, signing_keys, users};
use crate::values::{ClientId, Scopes, SessionId, UserId};

/// The verified caller.
#[derive(Clone, Debug)]
pub struct Principal(Arc<CheckedToken>);

impl Principal {
    /// Whoever bears a token that was checked before.
    pub(super) fn of(checked: Arc<CheckedToken>) -> Self {
        Self(checked)
    }

    /// The token.
    pub(super) fn checked(&self) -> Arc<CheckedToken> {
        Arc::clone(&self.0)
    }

    /// The user, or the service client under the same type: no user has its identifier.
    #[must_use]
    pub fn subject(&self) -> UserId {
        self.0.claims.sub
    }

    /// The session that the token belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.0.claims.sid
    }

    /// Whether it is a service client and not a user.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.0.claims.is_service()
    }

    /// Who acts as the subject, where somebody does.
    #[must_use]
    pub fn impersonator(&self) -> Option<UserId> {
        self.0.claims.act.map(|act| act.sub)
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
    examine(app, token, AccessTokens::check).await
}

/// Checks an access token for any audience: for those who ask about a token, never for letting its bearer in.
///
/// # Errors
/// The [`Refusal`].
pub(crate) async fn inspect(app: &App, token: &SecretString) -> Result<Principal, Refusal> {
    examine(app, token, AccessTokens::check_for_any).await
}

/// Whose token it is that was refused as its session has ended: for telling its bearer why.
pub(crate) fn subject_of_revoked(app: &App, token: &SecretString) -> Option<UserId> {
    let checked = app.access_tokens.check(&app.keyring, token, app.clock.now()).ok()?;
    Some(checked.claims.sub).filter(|_| !checked.claims.is_service())
}

type Check = fn(&AccessTokens, &Keyring, &SecretString, DateTime<Utc>) -> Result<Arc<CheckedToken>, Error>;

async fn examine(app: &App, token: &SecretString, check: Check) -> Result<Principal, Refusal> {
    let now = app.clock.now();
    let mut checked = check(&app.access_tokens, &app.keyring, token, now);
    if checked.is_err() && AccessTokens::names_unknown_key(&app.keyring, token) {
        // Another replica may have made the key a moment ago.
        match keys::reload(app).await {
            Ok(keys::Reload::Done) => checked = check(&app.access_tokens, &app.keyring, token, now),
            Ok(keys::Reload::TooSoon) => {}
            Err(error) => {
                tracing::error!(error = serving::explain(&error), "the signing keys could not be read");
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

/// Whether the session was not ended nor the key withdrawn: by what is in memory, or by the database when that has
/// fallen behind. The session of a service client is the client itself, so that a single token of it has to be ended by
/// its own name.
async fn is_live(app: &App, token: &CheckedToken, now: DateTime<Utc>) -> Result<(), Refusal> {
    let claims = &token.claims;
    if is_revoked(app, claims) {
        return Err(Refusal::Revoked);
    }
    if !app.revocations.is_stale(now) {
        return Ok(());
    }
    let unknown = |error: sea_orm::DbErr| {
        tracing::error!(error = serving::explain(&error), "the session could not be read");
        Refusal::Unknown
    };
    let live = if claims.is_service() {
        is_service_live(app, claims).await.map_err(unknown)?
    } else {
        let session = sessions::find(&app.db, claims.sid).await.map_err(unknown)?;
        session.is_some_and(|session| session.revoked_at.is_none())
    };
    if !live {
        return Err(Refusal::Revoked);
    }
    if signing_keys::is_usable(&app.db, &token.kid, now).await.map_err(unknown)? {
        Ok(())
    } else {
        Err(Refusal::Invalid)
    }
}

async fn is_service_live(app: &App, claims: &Claims) -> Result<bool, DbErr> {
    let client = service_clients::find(&app.db, ClientId(claims.sid.0)).await?;
    let active = client.is_some_and(|client| client.is_active());
    Ok(active && !revoked_tokens::contains(&app.db, claims.jti).await?)
}

fn is_revoked(app: &App, claims: &Claims) -> bool {
    let single = claims.is_service() && app.revocations.contains(SessionId(claims.jti.0));
    single || app.revocations.contains(claims.sid)
}

/// Looks again at a principal that was authenticated a while ago.
///
/// # Errors
/// The [`Refusal`], when the token has expired, its session has ended or its key was withdrawn since.
pub fn recheck(app: &App, principal: &Principal, now: DateTime<Utc>) -> Result<(), Refusal> {
    if principal.claims().exp <= now.timestamp() {
        Err(Refusal::Expired)
    } else if is_revoked(app, principal.claims()) {
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
