//! Ending sessions early, and telling everybody who must know.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use crate::app::App;
use model::error::Result;
use model::values::{Revoked, SessionId, UserId};
use store::changes;
use store::sessions;

/// The reason for which a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Its user signed out.
    Logout,
    /// Its user ended it from another one.
    Revoked,
    /// An outdated refresh token came back.
    Reused,
    /// Its user was disabled.
    Disabled,
    /// Its user was deleted.
    Deleted,
    /// Its user has another password, or none.
    PasswordChanged,
    /// A credential of its user other than the password was added, changed or removed.
    FactorsChanged,
    /// An administrator ended it.
    Administrator,
    /// Its user signed in again and has as many sessions as allowed. This one was not used for the longest time.
    Displaced,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Reused => "reused",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::PasswordChanged => "password_changed",
            Self::FactorsChanged => "factors_changed",
            Self::Administrator => "administrator",
            Self::Displaced => "displaced",
        }
    }
}

/// Sessions that a transaction has ended. Once it has committed, and not before, they must be announced.
#[derive(Debug)]
#[must_use = "announce it after the commit"]
pub(crate) struct Ended {
    sessions: Vec<SessionId>,
    at: DateTime<Utc>,
}

impl Ended {
    /// Ends nothing.
    pub(crate) fn none(at: DateTime<Utc>) -> Self {
        Self { sessions: Vec::new(), at }
    }

    /// Ends one session, if it has not been ended before.
    pub(crate) async fn one(
        txn: &impl ConnectionTrait,
        user: UserId,
        session: SessionId,
        reason: Reason,
        at: DateTime<Utc>,
    ) -> Result<Self> {
        Self::these(txn, user, &[session], reason, at).await
    }

    /// Ends every live session of a user.
    pub(crate) async fn all_of(
        txn: &impl ConnectionTrait,
        user: UserId,
        reason: Reason,
        at: DateTime<Utc>,
    ) -> Result<Self> {
        Self::these(txn, user, &sessions::ids_of(txn, user, at).await?, reason, at).await
    }

    /// Ends the sessions of a user beyond this number, which were not used for the longest time. The caller locks the
    /// row of the user first.
    pub(crate) async fn beyond(
        txn: &impl ConnectionTrait,
        user: UserId,
        number: u64,
        at: DateTime<Utc>,
    ) -> Result<Self> {
        let idle = sessions::ids_beyond(txn, user, number, at).await?;
        Self::these(txn, user, &idle, Reason::Displaced, at).await
    }

    /// Returns the number of sessions.
    pub(crate) fn count(&self) -> usize {
        self.sessions.len()
    }

    /// Makes this process refuse their tokens at once, and wakes whoever follows the outbox.
    pub(crate) fn announce(self, app: &App) {
        for session in self.sessions {
            app.tokens.revocations.insert(Revoked::Session(session), self.at);
        }
        app.feed.written.notify_one();
    }

    async fn these(
        txn: &impl ConnectionTrait,
        user: UserId,
        ids: &[SessionId],
        reason: Reason,
        at: DateTime<Utc>,
    ) -> Result<Self> {
        let mut sessions = Vec::with_capacity(ids.len());
        for id in ids {
            if sessions::revoke(txn, *id, reason.as_str(), at).await? {
                sessions.push(*id);
            }
        }
        for id in &sessions {
            changes::append_session_revoked(txn, user, *id, at).await?;
        }
        Ok(Self { sessions, at })
    }
}
