//! Signing out, here or everywhere, and ending another session of one's own.

use sea_orm::DatabaseTransaction;
use secrecy::SecretString;

use super::refresh::{Position, delayed};
use super::{Ended, Reason, locate};
use crate::app::App;
use crate::callers::Device;
use crate::callers::Principal;
use model::error::{self, Error, Result};
use model::values::{Holder, SessionId};
use store::{sessions, users};

/// The sessions that a sign-out ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutTarget {
    /// The one that the token belongs to.
    ThisSession,
    /// All of the user's.
    AllSessions,
}

/// Ends the session of a refresh token, or of the caller where none is given. The answer tells how many have ended;
/// none, if they had ended before.
///
/// # Errors
/// [`Error::Unauthenticated`] without a token and a caller; [`Error::Denied`] for a caller who acts as another user
/// and would end sessions other than their own; [`Error::TokenInvalid`] for a token that is not ours;
/// [`Error::TokenReused`] for an outdated one, which ends its session.
pub async fn logout(
    app: &App,
    token: Option<&SecretString>,
    principal: Option<&Principal>,
    target: LogoutTarget,
    device: &Device,
) -> Result<usize> {
    let (txn, user, session) = match (token, principal) {
        (Some(token), _) => {
            let txn = store::begin(&app.db).await?;
            if target == LogoutTarget::AllSessions {
                lock_user(app, &txn, token).await?;
            }
            match locate(app, txn, token, device).await {
                // An outdated token may be stolen. Ending its own session is all that it can do.
                Ok((_, _, Position::Delayed)) if target == LogoutTarget::AllSessions => return Err(delayed()),
                Ok((txn, session, _)) => (txn, session.user_id, session.id),
                Err(Error::TokenExpired | Error::TokenRevoked) => return Ok(0),
                Err(error) => return Err(error),
            }
        }
        (None, Some(principal)) if principal.impersonator().is_some() && target == LogoutTarget::AllSessions => {
            return Err(Error::Denied(error::Reason::Impersonation));
        }
        (None, Some(principal)) => match principal.holder() {
            Holder::User(user, session) => {
                let txn = match target {
                    LogoutTarget::AllSessions => users::begin_locked(&app.db, user).await?.0,
                    LogoutTarget::ThisSession => store::begin(&app.db).await?,
                };
                (txn, user, session)
            }
            // A service client has no session.
            Holder::Client(_) => return Ok(0),
        },
        (None, None) => return Err(Error::Unauthenticated),
    };
    let now = app.clock.now();
    let ended = match target {
        LogoutTarget::ThisSession => Ended::one(&txn, user, session, Reason::Logout, now).await?,
        LogoutTarget::AllSessions => Ended::all_of(&txn, user, Reason::Logout, now).await?,
    };
    txn.commit().await?;
    let count = ended.count();
    ended.announce(app);
    Ok(count)
}

/// Locks the user of a refresh token, before the session is locked. Whoever ends several sessions of a user does so in
/// this order, so that two of them cannot wait for each other.
async fn lock_user(app: &App, txn: &DatabaseTransaction, token: &SecretString) -> Result<()> {
    let (id, _) = app.tokens.refresh.decode(token)?;
    if let Some(session) = sessions::find(txn, id).await? {
        users::find_locked(txn, session.user_id).await?;
    }
    Ok(())
}

/// Ends one of your own sessions, and returns it.
///
/// # Errors
/// [`Error::NotFound`] when you have no such session, or it has ended; [`Error::Denied`] when a caller who acts as
/// another user would end a session other than their own.
pub async fn revoke(app: &App, principal: &Principal, id: SessionId) -> Result<sessions::Model> {
    if principal.impersonator().is_some() && principal.holder().session() != Some(id) {
        return Err(Error::Denied(error::Reason::Impersonation));
    }
    let now = app.clock.now();
    let txn = store::begin(&app.db).await?;
    let session = sessions::find(&txn, id)
        .await?
        .filter(|session| principal.user() == Some(session.user_id) && session.is_live(now))
        .ok_or(Error::NotFound)?;
    let ended = Ended::one(&txn, session.user_id, session.id, Reason::Revoked, now).await?;
    txn.commit().await?;
    ended.announce(app);
    Ok(session)
}
