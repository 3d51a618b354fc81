//! Signing out, here or everywhere, and ending another session of one's own.

use sea_orm::DatabaseTransaction;
use secrecy::SecretString;

use super::refresh::{Located, Position, Reuse, delayed, locate};
use super::{Ended, Reason};
use crate::app::App;
use crate::callers::Device;
use crate::callers::Principal;
use model::error::{self, Error, Result};
use model::values::{Holder, SessionId, UserId};
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
    let of = match (token, principal) {
        (Some(token), _) => SessionOf::Token(token),
        (None, Some(principal)) if principal.impersonator().is_some() && target == LogoutTarget::AllSessions => {
            return Err(Error::Denied(error::Reason::Impersonation));
        }
        (None, Some(principal)) => match principal.holder() {
            Holder::User(user, session) => SessionOf::Caller(user, session),
            // A service client has no session.
            Holder::Client(_) => return Ok(0),
        },
        (None, None) => return Err(Error::Unauthenticated),
    };
    let ending = store::transaction(&app.db, async |txn| end(app, txn, of, target, device).await);
    let ended = match ending.await {
        Ok(ended) => ended.map_err(|reuse| reuse.announce(app))?,
        Err(Error::TokenExpired | Error::TokenRevoked) => return Ok(0),
        Err(error) => return Err(error),
    };
    let count = ended.count();
    ended.announce(app);
    Ok(count)
}

/// The proof of the session to end.
#[derive(Clone, Copy)]
enum SessionOf<'a> {
    /// A refresh token.
    Token(&'a SecretString),
    /// The access token of the caller.
    Caller(UserId, SessionId),
}

/// Ends the sessions in a transaction, or the session of an outdated token.
async fn end(
    app: &App,
    txn: &DatabaseTransaction,
    of: SessionOf<'_>,
    target: LogoutTarget,
    device: &Device,
) -> Result<Result<Ended, Reuse>> {
    let (user, session) = match of {
        SessionOf::Token(token) => {
            if target == LogoutTarget::AllSessions {
                lock_user(app, txn, token).await?;
            }
            match locate(app, txn, token, device).await? {
                Located::Reused(reuse) => return Ok(Err(reuse)),
                // An outdated token may be stolen. Ending its own session is all that it can do.
                Located::Live(_, Position::Delayed) if target == LogoutTarget::AllSessions => return Err(delayed()),
                Located::Live(session, _) => (session.user_id, session.id),
            }
        }
        SessionOf::Caller(user, session) => {
            if target == LogoutTarget::AllSessions {
                users::find_locked(txn, user).await?;
            }
            (user, session)
        }
    };
    let now = app.clock.now();
    let ended = match target {
        LogoutTarget::ThisSession => Ended::one(txn, user, session, Reason::Logout, now).await?,
        LogoutTarget::AllSessions => Ended::all_of(txn, user, Reason::Logout, now).await?,
    };
    Ok(Ok(ended))
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
    let revoking = store::transaction(&app.db, async |txn| {
        let session = sessions::find(txn, id)
            .await?
            .filter(|session| principal.user() == Some(session.user_id) && session.is_live(now))
            .ok_or(Error::NotFound)?;
        let ended = Ended::one(txn, session.user_id, session.id, Reason::Revoked, now).await?;
        Ok((session, ended))
    });
    let (session, ended) = revoking.await?;
    ended.announce(app);
    Ok(session)
}
