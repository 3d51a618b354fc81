//! The state of an issuer, which its answers, its feed and its tokens share.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::key::SigningKey;
use super::network::Network;
use crate::clock::Clock;
use crate::ids::{SessionId, UserId};
use crate::operations::User;

/// The password of every user of a [`TestIssuer`](super::TestIssuer).
pub const PASSWORD: &str = "a-test-password";

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) url: String,
    pub(super) clock: Clock,
    pub(super) network: Network,
    pub(super) state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    /// The first key signs; all are published.
    pub(super) keys: Vec<SigningKey>,
    pub(super) users: Vec<TestUser>,
    /// The claims of every access token that has a good signature.
    pub(super) access_tokens: HashMap<String, Map<String, Value>>,
    pub(super) refresh_tokens: HashMap<String, (UserId, SessionId)>,
    pub(super) revoked: HashSet<SessionId>,
    pub(super) service_client: (String, String),
    pub(super) feed: Recorded,
    pub(super) calls: HashMap<String, usize>,
}

#[derive(Clone, Debug)]
pub(super) struct TestUser {
    pub(super) user: User,
    pub(super) last_login: Option<DateTime<Utc>>,
    pub(super) deleted_at: Option<DateTime<Utc>>,
}

/// The events of the feed, in order.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) events: Vec<(Event, DateTime<Utc>)>,
    /// True while the feed is not answered.
    pub(super) is_stopped: bool,
    /// The position of the oldest event that is kept.
    pub(super) oldest: usize,
    pub(super) grown: watch::Sender<()>,
}

#[derive(Clone, Debug)]
pub(super) enum Event {
    User(&'static str, UserId),
    Session(SessionId),
    Token(String),
    Keys,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, event: Event) {
        let now = self.clock.now();
        self.state().feed.events.push((event, now));
        self.wake();
    }

    /// Wakes every reader of the feed.
    pub(super) fn wake(&self) {
        self.state().feed.grown.send_replace(());
    }

    /// Counts a call of an operation.
    pub(super) fn count(&self, name: &str) {
        *self.state().calls.entry(name.to_owned()).or_default() += 1;
    }

    /// Ends a session, and returns whether it was active. Readers of the feed are notified.
    pub(super) fn revoke(&self, session: SessionId) -> bool {
        let ended = self.state().revoked.insert(session);
        if ended {
            self.record(Event::Session(session));
        }
        ended
    }
}

impl TestUser {
    /// Returns the user as GraphQL answers carry it.
    pub(super) fn to_json(&self) -> Value {
        let Self { user, last_login, .. } = self;
        json!({
            "id": user.id, "email": user.email, "firstName": user.first_name, "lastName": user.last_name,
            "phoneNumber": user.phone_number, "dateJoined": user.date_joined, "lastLogin": last_login,
            "isActive": user.is_active, "isStaff": user.is_staff, "isSuperuser": user.is_superuser,
            "emailVerified": user.email_verified, "roles": user.roles, "scopes": user.scopes,
            "metadata": user.metadata, "updatedAt": user.updated_at, "version": user.version,
        })
    }
}

/// Returns the scopes of a token, which has no such claim without scopes.
pub(super) fn scope_of(claims: &Map<String, Value>) -> &str {
    claims.get("scope").and_then(Value::as_str).unwrap_or_default()
}
