//! The sessions, service clients and single tokens that ended while an access token may still be good. Asked on every
//! request.
//!
//! An entry is needed for one lifetime of an access token, which bounds the set.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Duration, Utc};
use foldhash::HashMap;

use super::claims::SKEW;
use model::values::{ClientId, Revoked, SessionId, TokenId};

/// What ended early.
#[derive(Debug)]
pub struct Revocations {
    remembered_for: Duration,
    ended: RwLock<Ended>,
    followed_position: AtomicI64,
    /// Last time at which the set was complete, in microseconds since the epoch.
    complete_at: AtomicI64,
}

/// What has ended, by its kind, and until when each entry must be remembered. One map for each kind takes less memory
/// than one for all, and its look-ups less time.
#[derive(Debug, Default)]
struct Ended {
    sessions: HashMap<SessionId, DateTime<Utc>>,
    clients: HashMap<ClientId, DateTime<Utc>>,
    tokens: HashMap<TokenId, DateTime<Utc>>,
}

impl Ended {
    fn insert(&mut self, revoked: Revoked, until: DateTime<Utc>) {
        match revoked {
            Revoked::Session(session) => self.sessions.insert(session, until),
            Revoked::Client(client) => self.clients.insert(client, until),
            Revoked::Token(token) => self.tokens.insert(token, until),
        };
    }

    fn contains(&self, revoked: Revoked) -> bool {
        match revoked {
            Revoked::Session(session) => self.sessions.contains_key(&session),
            Revoked::Client(client) => self.clients.contains_key(&client),
            Revoked::Token(token) => self.tokens.contains_key(&token),
        }
    }

    fn purge(&mut self, now: DateTime<Utc>) {
        self.sessions.retain(|_, until| *until > now);
        self.clients.retain(|_, until| *until > now);
        self.tokens.retain(|_, until| *until > now);
    }
}

/// Age from which the set is no longer relied on.
const STALE_AFTER: Duration = Duration::seconds(1);

impl Revocations {
    /// An empty set that remembers an entry for as long as an access token may live, also one from a replica whose
    /// clock is ahead.
    #[must_use]
    pub fn new(access_lifetime: Duration) -> Self {
        Self {
            remembered_for: access_lifetime + SKEW,
            ended: RwLock::default(),
            followed_position: AtomicI64::new(0),
            complete_at: AtomicI64::new(0),
        }
    }

    /// Returns the time since which an end matters now.
    #[must_use]
    pub fn horizon(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - self.remembered_for
    }

    /// Returns the time until which an end matters.
    #[must_use]
    pub fn until(&self, revoked_at: DateTime<Utc>) -> DateTime<Utc> {
        revoked_at + self.remembered_for
    }

    /// Remembers what has ended.
    pub fn insert(&self, revoked: Revoked, revoked_at: DateTime<Utc>) {
        let until = self.until(revoked_at);
        self.ended.write().unwrap_or_else(PoisonError::into_inner).insert(revoked, until);
    }

    /// Returns whether this has ended.
    #[must_use]
    pub fn contains(&self, revoked: Revoked) -> bool {
        self.ended.read().unwrap_or_else(PoisonError::into_inner).contains(revoked)
    }

    /// Returns the position in the outbox up to which the set is complete.
    #[must_use]
    pub fn followed_position(&self) -> i64 {
        self.followed_position.load(Ordering::Acquire)
    }

    /// Records that the set is complete up to this position in the outbox.
    pub fn follow_from(&self, position: i64) {
        self.followed_position.store(position, Ordering::Release);
    }

    /// Records that the set was complete at this time.
    pub fn complete_at(&self, time: DateTime<Utc>) {
        self.complete_at.store(time.timestamp_micros(), Ordering::Release);
    }

    /// Returns whether something that is not in the set can have ended all the same: the outbox was not read for too
    /// long, or the clock was [set back](Self::is_ahead_of).
    #[must_use]
    pub fn is_stale(&self, now: DateTime<Utc>) -> bool {
        self.complete_before(now) > STALE_AFTER || self.is_ahead_of(now)
    }

    /// Returns whether the clock was set back since the set was complete. Entries that were purged while the clock was
    /// ahead may be needed again.
    #[must_use]
    pub fn is_ahead_of(&self, now: DateTime<Utc>) -> bool {
        self.complete_before(now) < -STALE_AFTER
    }

    /// Returns the time that has passed since the set was last complete.
    fn complete_before(&self, now: DateTime<Utc>) -> Duration {
        Duration::microseconds(now.timestamp_micros() - self.complete_at.load(Ordering::Acquire))
    }

    /// Forgets what can have no valid token any more.
    pub fn purge(&self, now: DateTime<Utc>) {
        self.ended.write().unwrap_or_else(PoisonError::into_inner).purge(now);
    }
}
