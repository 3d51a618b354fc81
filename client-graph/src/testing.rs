//! An issuer for tests: it signs good and forged tokens, and answers like auth-graph, in the process of the test.
//!
//! `token` creates tokens, `answers` and `feed` answer requests, `network` simulates outages. The issuer is not secure:
//! it compares passwords as plain text and looks tokens up in a table.

mod answers;
mod feed;
mod key;
mod network;
mod state;
mod token;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::{AuthGraph, AuthGraphBuilder};
use crate::clock::Clock;
use crate::ids::{SessionId, UserId};
use crate::operations::User;
pub use key::KeyType;
use key::SigningKey;
use network::Network;
pub use state::PASSWORD;
use state::{Event, Recorded, Shared, State, TestUser};
pub use token::{Signature, TokenBuilder};

/// An issuer for tests, on a free port of this machine. It stops when it is dropped.
#[derive(Debug)]
pub struct TestIssuer {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl TestIssuer {
    /// Starts an issuer that signs with ES256.
    ///
    /// # Panics
    /// When this machine has no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on this machine");
        let address = listener.local_addr().expect("a bound listener has an address");
        let network = Network::default();
        let state = State {
            keys: vec![SigningKey::generate(KeyType::Es256)],
            users: Vec::new(),
            access_tokens: HashMap::new(),
            refresh_tokens: HashMap::new(),
            revoked: HashSet::new(),
            service_client: (Uuid::new_v4().to_string(), format!("secret-{}", Uuid::new_v4())),
            feed: Recorded::default(),
            calls: HashMap::new(),
        };
        let shared = Arc::new(Shared {
            url: format!("http://{address}"),
            clock: Clock::default(),
            network: network.clone(),
            state: Mutex::new(state),
        });
        let router = answers::router(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It never returns, because the listener never does.
            let _ = axum::serve(network.listen(listener), router).await;
        });
        Self { shared, server }
    }

    /// Returns the address of the issuer, which is also the issuer that its tokens name.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Returns the clock, which each [`AuthGraph`] of [`auth_graph`](Self::auth_graph) shares.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Returns the builder of a connection to this issuer.
    pub fn auth_graph(&self) -> AuthGraphBuilder {
        AuthGraph::builder(self.url()).audience("graph").clock(self.shared.clock.clone())
    }

    /// Creates a user with this e-mail address and the password [`PASSWORD`].
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
        self.shared.record(Event::User("USER_CREATED", user.id));
        user
    }

    /// Replaces a user, and restores a deleted one. Increase the version to make a change visible.
    pub fn change_user(&self, user: &User) {
        for known in self.shared.state().users.iter_mut().filter(|known| known.user.id == user.id) {
            known.user = user.clone();
            known.deleted_at = None;
        }
        self.shared.record(Event::User("USER_UPDATED", user.id));
    }

    /// Deletes a user and announces the deletion in the feed.
    pub fn delete_user(&self, id: UserId) {
        let now = self.shared.clock.now();
        for known in self.shared.state().users.iter_mut().filter(|known| known.user.id == id) {
            known.deleted_at = Some(now);
            known.user.version += 1;
            known.user.is_active = false;
        }
        self.shared.record(Event::User("USER_DELETED", id));
    }

    /// Deletes a user without a trace, and drops the past events of the feed: as if the deletion were older than the
    /// events that auth-graph keeps.
    pub fn lose_user(&self, id: UserId) {
        self.delete_user(id);
        self.shared.state().users.retain(|known| known.user.id != id);
        self.expire_cursors();
    }

    /// Returns the id and the secret of a service client that may read the feed and the users, for
    /// [`AuthGraphBuilder::service_client`](crate::AuthGraphBuilder::service_client).
    #[must_use]
    pub fn service_client(&self) -> (String, SecretString) {
        let (id, secret) = self.shared.state().service_client.clone();
        (id, secret.into())
    }

    /// Drops the past events of the feed: clients with an older cursor must start with the snapshots.
    pub fn expire_cursors(&self) {
        let mut state = self.shared.state();
        state.feed.oldest = state.feed.events.len();
    }

    /// Sends the last changes again, in their order.
    pub fn repeat_changes(&self, count: usize) {
        let events = self.shared.state().feed.events.clone();
        for (event, _) in events.into_iter().rev().take(count).rev() {
            self.shared.record(event);
        }
    }

    /// Creates an access token for a user, in its own session. Finish with [`sign`](TokenBuilder::sign).
    pub fn token_for(&self, user: &User) -> TokenBuilder {
        TokenBuilder::new(Arc::clone(&self.shared), user.id, SessionId(Uuid::new_v4()))
    }

    /// Ends a session and announces it in the feed.
    pub fn revoke(&self, session: SessionId) {
        self.shared.revoke(session);
    }

    /// Ends a single token, by its `jti`, and announces it in the feed.
    pub fn revoke_token(&self, token_id: &str) {
        self.shared.record(Event::Token(token_id.to_owned()));
    }

    /// Signs with a new key of this type from now on, withdraws the others, and announces that in the feed.
    pub fn rotate_keys(&self, kind: KeyType) {
        self.shared.state().keys = vec![SigningKey::generate(kind)];
        self.shared.record(Event::Keys);
    }

    /// Signs with a new key of this type from now on, continues to publish the others, and announces that in the feed.
    pub fn add_key(&self, kind: KeyType) {
        self.shared.state().keys.insert(0, SigningKey::generate(kind));
        self.shared.record(Event::Keys);
    }

    /// Refuses the operations of the feed with `UNAVAILABLE` and continues to answer all others. A stream that is open
    /// stays open.
    pub fn stop_feed(&self) {
        self.shared.state().feed.is_stopped = true;
    }

    /// Answers the operations of the feed again.
    pub fn start_feed(&self) {
        self.shared.state().feed.is_stopped = false;
    }

    /// Closes all connections and refuses new ones.
    pub fn take_down(&self) {
        self.shared.network.cut();
        self.shared.wake();
    }

    /// Accepts connections again.
    pub fn bring_up(&self) {
        self.shared.network.restore();
    }

    /// Returns the number of calls of an operation, such as `Me`, or of the key set (`jwks`).
    #[must_use]
    pub fn calls(&self, name: &str) -> usize {
        self.shared.state().calls.get(name).copied().unwrap_or(0)
    }

    /// Returns the number of all calls.
    #[must_use]
    pub fn all_calls(&self) -> usize {
        self.shared.state().calls.values().sum()
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.server.abort();
        self.shared.network.cut();
        self.shared.wake();
    }
}
