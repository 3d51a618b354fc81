//! Sessions, and single tokens, that ended while access tokens still run: the set that every request is checked
//! against.
//!
//! It is bounded by the life of access tokens. Filled by the feed, by log-outs that pass through here and by
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

/// What has ended.
#[derive(Default)]
pub(crate) struct Revoked {
    /// Spares most services the lock: they never see a revocation.
    any: AtomicBool,
    ended: RwLock<Ended>,
    changed: Notify,
}

#[derive(Default)]
struct Ended {
    sessions: Until<SessionId>,
    tokens: Until<String>,
    /// When there were more revocations than we can hold: every token issued before this is refused. That costs each
    /// caller one refresh; forgetting a revocation could cost more.
    everything_before: Option<DateTime<Utc>>,
}

/// What has ended, and until when that matters.
struct Until<K> {
    until: HashMap<K, DateTime<Utc>>,
    purge_at: usize,
}

impl Revoked {
    /// Ends a session here. `until` is when its last access token has ended by itself.
    pub(crate) fn revoke_session(&self, session: SessionId, until: DateTime<Utc>, now: DateTime<Utc>) {
        self.add(|ended| ended.sessions.insert(session, until, now), now);
    }

    /// Ends a single token here. `until` is when it has ended by itself.
    pub(crate) fn revoke_token(&self, token: String, until: DateTime<Utc>, now: DateTime<Utc>) {
        self.add(|ended| ended.tokens.insert(token, until, now), now);
    }

    fn add(&self, insert: impl FnOnce(&mut Ended) -> Fits, now: DateTime<Utc>) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        if insert(&mut ended) == Fits::No {
            ended.everything_before = Some(now);
        }
        self.any.store(true, Ordering::Release);
        drop(ended);
        self.changed.notify_waiters();
    }

    /// Is ready when this principal's session or token has ended.
    pub(crate) async fn ended(&self, principal: &Principal) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // A revocation between the look and the wait must not be missed.
            changed.as_mut().enable();
            if self.contains(principal) {
                return;
            }
            changed.await;
        }
    }

    /// Whether this principal's session or token has ended.
    pub(crate) fn contains(&self, principal: &Principal) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        principal.session_id.is_some_and(|id| ended.sessions.until.contains_key(&id))
            || ended.tokens.until.contains_key(&principal.token_id)
            || ended.everything_before.is_some_and(|moment| principal.issued_at <= moment)
    }
}

/// Whether there was room for all that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fits {
    Yes,
    No,
}

impl<K: Eq + Hash> Until<K> {
    fn insert(&mut self, key: K, until: DateTime<Utc>, now: DateTime<Utc>) -> Fits {
        if self.until.len() >= self.purge_at.max(1024) {
            self.until.retain(|_, until| *until > now);
            self.purge_at = (self.until.len() * 2).min(CAPACITY);
        }
        let mut fits = Fits::Yes;
        if self.until.len() >= CAPACITY {
            self.until.clear();
            fits = Fits::No;
        }
        let ended = self.until.entry(key).or_insert(until);
        *ended = until.max(*ended);
        fits
    }
}

impl<K> Default for Until<K> {
    fn default() -> Self {
        Self { until: HashMap::new(), purge_at: 0 }
    }
}
