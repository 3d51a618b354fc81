//! Sessions of other users: listing and ending them.

use serde_json::json;

use crate::app::App;
use crate::audit::{self, Entry};
use crate::callers::Actor;
use crate::sessions::{Ended, Reason};
use model::error::{Error, Result};
use model::values::{SessionId, UserId};
use store::{sessions, users};

/// Returns the sessions of a user that have not ended, the latest first.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user.
pub async fn list_sessions(app: &App, user: UserId) -> Result<Vec<sessions::Model>> {
    users::find(&app.db, user).await?.ok_or(Error::NotFound)?;
    Ok(sessions::live_of(&app.db, user, app.clock.now()).await?)
}

/// Ends one session of a user. Returns the number of ended sessions.
///
/// # Errors
/// [`Error::NotFound`] when the user has no such session; [`Error::Forbidden`] when the user holds a role or
/// scope that the actor does not hold.
pub async fn revoke_session(app: &App, actor: &Actor, user: UserId, session: SessionId) -> Result<usize> {
    revoke(app, actor, user, Some(session)).await
}

/// Ends all sessions of a user. Returns the number of ended sessions.
///
/// # Errors
/// As [`revoke_session`].
pub async fn revoke_all_sessions(app: &App, actor: &Actor, user: UserId) -> Result<usize> {
    revoke(app, actor, user, None).await
}

async fn revoke(app: &App, actor: &Actor, id: UserId, session: Option<SessionId>) -> Result<usize> {
    let now = app.clock.now();
    let revoking = store::transaction(&app.db, async |txn| {
        let user = users::find_locked(txn, id).await?.ok_or(Error::NotFound)?;
        actor.powers(app, txn).await?.require_all_of(app, &user)?;
        let ended = match session {
            Some(session) => {
                // The identifier of another user's session gives the same answer as an unknown identifier.
                let found = sessions::find(txn, session).await?.filter(|found| found.user_id == id);
                let found = found.ok_or(Error::NotFound)?;
                Ended::one(txn, id, found.id, Reason::Administrator, now).await?
            }
            None => Ended::all_of(txn, id, Reason::Administrator, now).await?,
        };
        let after = json!({ "session": session.map(|session| session.to_string()), "ended": ended.count() });
        let (action, target_id) = ("user.revoke_sessions", id.to_string());
        let entry = Entry { action, target_kind: "user", target_id, before: json!(null), after, reason: None };
        audit::record(app, txn, actor, entry).await?;
        Ok(ended)
    });
    let ended = revoking.await?;
    let count = ended.count();
    ended.announce(app);
    Ok(count)
}
