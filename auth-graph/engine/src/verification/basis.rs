//! The basis of an answer about an access token. As long as it holds, the answer can be given again.

use std::sync::Arc;

use secrecy::SecretString;

use crate::app::App;
use crate::callers::{Principal, Refusal, authenticate, authentication, recheck};
use model::values::ClientId;
use store::clients;

/// A valid access token, and the client that asked about it if it had to authenticate.
#[derive(Clone, Debug)]
pub struct Basis {
    about: Principal,
    asked_by: Option<Arc<clients::Model>>,
}

/// Result of checking a [`Basis`] again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BasisState {
    /// The token is valid and the client has not changed.
    Holds,
    /// The outbox was not read for too long, so that only the database can answer.
    Unknown,
    /// The token has ended, or the client has changed.
    Ended,
}

impl Basis {
    /// Returns the basis of an answer of `verify`, or `None` when the token is not valid.
    ///
    /// It is built before the answer is computed. A token that is valid then and later was also valid in between.
    pub async fn of_verification(app: &App, token: &SecretString) -> Option<Self> {
        Self::new(app, authenticate(app, token).await, None)
    }

    /// Returns the basis of an introspection by a client, or `None` when the token is not valid or the client is not
    /// cached.
    pub async fn of_introspection(app: &App, token: &SecretString, client_id: &str) -> Option<Self> {
        let client = app.known_clients.find(client_id.parse::<ClientId>().ok()?).ok()?;
        Self::new(app, authentication::inspect(app, token).await, Some(client))
    }

    fn new(app: &App, checked: Result<Principal, Refusal>, asked_by: Option<Arc<clients::Model>>) -> Option<Self> {
        Some(Self { about: checked.ok()?, asked_by }).filter(|basis| basis.state(app) == BasisState::Holds)
    }

    /// Checks the basis before an answer is given again. This counts as a verification.
    #[must_use]
    pub fn confirm(&self, app: &App) -> BasisState {
        let state = self.state(app);
        if state == BasisState::Holds {
            app.metrics.verifications_active.increment(1);
        }
        state
    }

    fn state(&self, app: &App) -> BasisState {
        let now = app.clock.now();
        if app.tokens.revocations.is_stale(now) {
            return BasisState::Unknown;
        }
        // A client is forgotten when it changes.
        let is_same = |client: &Arc<clients::Model>| {
            app.known_clients.find(client.id).is_ok_and(|known| Arc::ptr_eq(&known, client))
        };
        match self.asked_by.as_ref().is_none_or(is_same) && recheck(app, &self.about, now).is_ok() {
            true => BasisState::Holds,
            false => BasisState::Ended,
        }
    }
}
