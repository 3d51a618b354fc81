//! Sessions that ended while their access tokens still run: the set that every request is checked against.
//!
//! It is bounded by the life of access tokens. Filled by log-outs that pass through here and by
//! [`AuthGraph::revoke_locally`](crate::AuthGraph::revoke_locally); a source of revocations needs no other door.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::ids::SessionId;
use crate::principal::Principal;

const CAPACITY: usize = 1_000_000;

/// The sessions that have ended.
#[derive(Default)]
pub(crate) struct RevokedSessions {
    /// Spares most services the lock: they never see a revocation.
    any: AtomicBool,
    sessions: RwLock<Sessions>,
}

#[derive(Default)]
struct Sessions {
    until: HashMap<SessionId, DateTime<Utc>>,
    purge_at: usize,
    /// When there were more revocations than we can hold: every token issued before this is refused. That costs each
    /// caller one refresh; forgetting a revocation could cost more.
    everything_before: Option<DateTime<Utc>>,
}

impl RevokedSessions {
    /// Ends a session here. `until` is when its last access token has ended by itself.
    pub(crate) fn revoke(&self, session: SessionId, until: DateTime<Utc>, now: DateTime<Utc>) {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        if sessions.until.len() >= sessions.purge_at.max(1024) {
            sessions.until.retain(|_, until| *until > now);
            sessions.purge_at = sessions.until.len() * 2;
        }
        if sessions.until.len() >= CAPACITY {
            sessions.until.clear();
            sessions.everything_before = Some(now);
        }
        let ended = sessions.until.entry(session).or_insert(until);
        *ended = until.max(*ended);
        self.any.store(true, Ordering::Release);
    }

    /// Whether the session of this principal has ended.
    pub(crate) fn contains(&self, principal: &Principal) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        principal.session_id.is_some_and(|id| sessions.until.contains_key(&id))
            || sessions.everything_before.is_some_and(|moment| principal.issued_at <= moment)
    }
}
