//! An issuer for tests: it signs tokens, good and forged, and answers as auth-graph would, in the process of the test.
//!
//! How tokens are made is in `token`, what is answered in `answers`, how it goes away and comes back in `line`. It
//! keeps no promise of security: passwords are compared as they are and tokens are looked up in a table.

mod answers;
mod feed;
mod key;
mod line;
mod token;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::{AuthGraph, AuthGraphBuilder};
use crate::clock::Clock;
use crate::ids::{SessionId, UserId};
use crate::operations::User;
pub use key::KeyType;
use key::SigningKey;
use line::Line;
pub use token::{Signature, TokenBuilder};

/// The password of every user of a [`TestIssuer`].
pub const PASSWORD: &str = "a-test-password";

/// An auth-graph for tests, on a free port of this machine. It stops when it is dropped.
#[derive(Debug)]
pub struct TestIssuer {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    url: String,
    clock: Clock,
    line: Line,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The first one signs; all are published.
    keys: Vec<SigningKey>,
    users: Vec<TestUser>,
    /// The claims of every access token that was signed as it should be.
    access_tokens: HashMap<String, Map<String, Value>>,
    refresh_tokens: HashMap<String, (UserId, SessionId)>,
    revoked: HashSet<SessionId>,
    service_client: (String, String),
    feed: feed::Recorded,
    calls: HashMap<String, usize>,
}

#[derive(Clone, Debug)]
struct TestUser {
    user: User,
    last_login: Option<DateTime<Utc>>,
    deleted_at: Option<DateTime<Utc>>,
}

impl TestIssuer {
    /// Starts an issuer that signs with ES256.
    ///
    /// # Panics
    /// When this machine has no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on this machine");
        let address = listener.local_addr().expect("a bound listener has an address");
        let line = Line::default();
        let state = State {
            keys: vec![SigningKey::generate(KeyType::Es256)],
            users: Vec::new(),
            access_tokens: HashMap::new(),
            refresh_tokens: HashMap::new(),
            revoked: HashSet::new(),
            service_client: (Uuid::new_v4().to_string(), format!("secret-{}", Uuid::new_v4())),
            feed: feed::Recorded::default(),
            calls: HashMap::new(),
        };
        let shared = Arc::new(Shared {
            url: format!("http://{address}"),
            clock: Clock::default(),
            line: line.clone(),
            state: Mutex::new(state),
        });
        let router = answers::router(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It only returns when the listener does, which it never does.
            let _ = axum::serve(line.listen(listener), router).await;
        });
        Self { shared, server }
    }

    /// Its address, which is also the issuer that its tokens name.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The clock that it shares with the [`AuthGraph`]s of [`auth_graph`](Self::auth_graph).
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// A connection to this issuer, to be configured further.
    pub fn auth_graph(&self) -> AuthGraphBuilder {
        AuthGraph::builder(self.url()).audience("graph").clock(self.shared.clock.clone())
    }

    /// Makes a user with this e-mail address, whose password is [`PASSWORD`].
    pub fn user(&self, email: &str) -> User {
        let now = self.shared.clock.now();
        let user = User {
            id: UserId(Uuid::new_v4()),
            email: email.to_owned(),
            first_name: "Ada".to_owned(),
            last_name: "Lovelace".to_owned(),
            phone_number: None,
            date_joined: now,
            is_active: true,
            is_staff: false,
            is_superuser: false,
            email_verified: true,
            roles: vec!["staff".to_owned()],
            scopes: vec!["users:read".to_owned()],
            metadata: json!({}),
            updated_at: now,
            version: 1,
        };
        self.shared.state().users.push(TestUser { user: user.clone(), last_login: None, deleted_at: None });
        self.shared.record(feed::Event::User("USER_CREATED", user.id));
        user
    }

    /// Replaces what the issuer knows of a user, and restores one who was deleted. Increase the version where a change
    /// should be seen.
    pub fn change_user(&self, user: &User) {
        for known in self.shared.state().users.iter_mut().filter(|known| known.user.id == user.id) {
            known.user = user.clone();
            known.deleted_at = None;
        }
        self.shared.record(feed::Event::User("USER_UPDATED", user.id));
    }

    /// Deletes a user; the feed goes on to tell of it.
    pub fn delete_user(&self, id: UserId) {
        let now = self.shared.clock.now();
        for known in self.shared.state().users.iter_mut().filter(|known| known.user.id == id) {
            known.deleted_at = Some(now);
            known.user.version += 1;
            known.user.is_active = false;
        }
        self.shared.record(feed::Event::User("USER_DELETED", id));
    }

    /// Deletes a user without a trace, and forgets what the feed has told so far: as when the deletion is older than
    /// what auth-graph keeps.
    pub fn lose_user(&self, id: UserId) {
        self.delete_user(id);
        self.shared.state().users.retain(|known| known.user.id != id);
        self.expire_cursors();
    }

    /// The service client that may read the feed and the users, and its secret: for
    /// [`AuthGraphBuilder::service_client`](crate::AuthGraphBuilder::service_client).
    #[must_use]
    pub fn service_client(&self) -> (String, SecretString) {
        let (id, secret) = self.shared.state().service_client.clone();
        (id, secret.into())
    }

    /// Forgets what the feed has told so far: whoever was not there must start with the snapshots.
    pub fn expire_cursors(&self) {
        let mut state = self.shared.state();
        state.feed.oldest = state.feed.events.len();
    }

    /// Tells the last changes once more, in their order.
    pub fn repeat_changes(&self, count: usize) {
        let events = self.shared.state().feed.events.clone();
        for (event, _) in events.into_iter().rev().take(count).rev() {
            self.shared.record(event);
        }
    }

    /// Makes an access token for a user, in a session of its own. Call [`sign`](TokenBuilder::sign) in the end.
    pub fn token_for(&self, user: &User) -> TokenBuilder {
        TokenBuilder::new(Arc::clone(&self.shared), user.id, SessionId(Uuid::new_v4()))
    }

    /// Ends a session; who follows the feed is told.
    pub fn revoke(&self, session: SessionId) {
        self.shared.revoke(session);
    }

    /// Ends a single token, by its `jti`; who follows the feed is told.
    pub fn revoke_token(&self, token_id: &str) {
        self.shared.record(feed::Event::Token(token_id.to_owned()));
    }

    /// Signs with a new key of this kind from now on, and withdraws the others.
    pub fn rotate_keys(&self, kind: KeyType) {
        self.shared.state().keys = vec![SigningKey::generate(kind)];
    }

    /// Signs with a new key of this kind from now on, and goes on to publish the others.
    pub fn add_key(&self, kind: KeyType) {
        self.shared.state().keys.insert(0, SigningKey::generate(kind));
    }

    /// Cuts all connections and refuses new ones.
    pub fn take_down(&self) {
        self.shared.line.cut();
        self.shared.wake();
    }

    /// Accepts connections again.
    pub fn bring_up(&self) {
        self.shared.line.mend();
    }

    /// How often this was asked for: an operation by its name, such as `Me`, or `jwks`.
    #[must_use]
    pub fn calls(&self, name: &str) -> usize {
        self.shared.state().calls.get(name).copied().unwrap_or(0)
    }

    /// How often it was asked for anything.
    #[must_use]
    pub fn all_calls(&self) -> usize {
        self.shared.state().calls.values().sum()
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.server.abort();
        self.shared.line.cut();
        self.shared.wake();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
