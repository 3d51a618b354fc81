//! Revocations: sessions and single tokens that ended before their access tokens expire. Every request is checked
//! against them.
//!
//! The set is bounded by the lifetime of access tokens. It is filled by the feed, by logouts through the proxy and by
//! [`AuthGraph::revoke_locally`](crate::AuthGraph::revoke_locally).

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::ids::SessionId;
use crate::principal::Principal;

const CAPACITY: usize = 1_000_000;

/// The revocations that still matter.
#[derive(Default)]
pub(crate) struct Revoked {
    /// False until the first revocation: services without any never take the lock.
    any: AtomicBool,
    ended: RwLock<Ended>,
    changed: Notify,
}

#[derive(Default)]
struct Ended {
    sessions: ExpiringSet<SessionId>,
    tokens: ExpiringSet<String>,
    /// Time when the capacity was exceeded: every token that was issued before is refused. That costs each caller one
    /// refresh; a forgotten revocation could cost more.
    everything_before: Option<DateTime<Utc>>,
}

/// Keys that leave the set when their access tokens have expired.
struct ExpiringSet<K> {
    expiries: HashMap<K, DateTime<Utc>>,
    purge_at: usize,
}

impl Revoked {
    /// Refuses the tokens of a session. `until` is the expiry of the last of them.
    pub(crate) fn revoke_session(&self, session: SessionId, until: DateTime<Utc>, now: DateTime<Utc>) {
        self.add(|ended| ended.sessions.insert(session, until, now), now);
    }

    /// Refuses a single token. `until` is its expiry.
    pub(crate) fn revoke_token(&self, token: String, until: DateTime<Utc>, now: DateTime<Utc>) {
        self.add(|ended| ended.tokens.insert(token, until, now), now);
    }

    fn add(&self, insert: impl FnOnce(&mut Ended) -> Insertion, now: DateTime<Utc>) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        if insert(&mut ended) == Insertion::Overflowed {
            ended.everything_before = Some(now);
        }
        self.any.store(true, Ordering::Release);
        drop(ended);
        self.changed.notify_waiters();
    }

    /// Waits until this principal's session or token ends.
    pub(crate) async fn ended(&self, principal: &Principal) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // A revocation between the check and the wait must not be missed.
            changed.as_mut().enable();
            if self.contains(principal) {
                return;
            }
            changed.await;
        }
    }

    /// Returns whether this principal's session or token has ended.
    pub(crate) fn contains(&self, principal: &Principal) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        principal.session_id.is_some_and(|id| ended.sessions.expiries.contains_key(&id))
            || ended.tokens.expiries.contains_key(&principal.token_id)
            || ended.everything_before.is_some_and(|moment| principal.issued_at <= moment)
    }
}

/// The outcome of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Insertion {
    Fitted,
    /// The set was full, and was emptied.
    Overflowed,
}

impl<K: Eq + Hash> ExpiringSet<K> {
    fn insert(&mut self, key: K, until: DateTime<Utc>, now: DateTime<Utc>) -> Insertion {
        if self.expiries.len() >= self.purge_at.max(1024) {
            self.expiries.retain(|_, until| *until > now);
            self.purge_at = (self.expiries.len() * 2).min(CAPACITY);
        }
        let mut insertion = Insertion::Fitted;
        if self.expiries.len() >= CAPACITY {
            self.expiries.clear();
            insertion = Insertion::Overflowed;
        }
        let expiry = self.expiries.entry(key).or_insert(until);
        *expiry = until.max(*expiry);
        insertion
    }
}

impl<K> Default for ExpiringSet<K> {
    fn default() -> Self {
        Self { expiries: HashMap::new(), purge_at: 0 }
    }
}
