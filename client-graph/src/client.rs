//! [`AuthGraph`]: auth-graph as a service sees it. How it is configured is in `builder`; what it can be asked is in
//! `operations`, how it turns a request into a caller in `context`.

mod builder;
mod service_token;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::feed::{Feed, Freshness, StaleFeed};
use crate::ids::SessionId;
use crate::operations::Transport;
use crate::principal::Principal;
use crate::revocation::Revoked;
use crate::verifier::{Expectation, Verification, Verifier};
pub use builder::{AuthGraphBuilder, BuildError};

/// The connection to auth-graph: verifies its tokens, calls its operations, keeps its users' mirror.
///
/// Cheap to clone; all clones share their keys, caches and connections. One for each process is enough.
#[derive(Clone)]
pub struct AuthGraph {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Arc<Transport>,
    verification: Verification,
    expectation: Expectation,
    verifier: Verifier,
    revoked: Revoked,
    service_client: Option<service_token::ServiceClient>,
    feed: Feed,
    stale_feed: StaleFeed,
    deny: Option<Deny>,
    access_token_cookie: Option<String>,
    clock: Clock,
    mirror: Option<crate::mirror::Mirror>,
    first_sights: crate::flight::Flights<crate::ids::UserId, crate::mirror::MirroredUser>,
}

/// Further grounds to refuse a caller, of the service's own.
type Deny = Arc<dyn Fn(&Principal) -> Result<(), Error> + Send + Sync>;

impl AuthGraph {
    /// Verifies an access token and checks that its session goes on.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, `TOKEN_REVOKED`; `UNAVAILABLE` when auth-graph had to be asked and can not be.
    pub async fn authenticate(&self, access_token: &SecretString) -> Result<Arc<Principal>, Error> {
        use secrecy::ExposeSecret;
        self.authenticate_text(access_token.expose_secret()).await
    }

    pub(crate) async fn authenticate_text(&self, access_token: &str) -> Result<Arc<Principal>, Error> {
        let principal = match self.inner.verification {
            Verification::Local => self.verify_locally(access_token).await?,
            Verification::Remote => Arc::new(self.verify_remotely(&SecretString::from(access_token)).await?),
        };
        self.check_session(&principal)?;
        Ok(principal)
    }

    async fn verify_locally(&self, access_token: &str) -> Result<Arc<Principal>, Error> {
        let principal = self.inner.verifier.verify(access_token).await?;
        let older_than = |bound| self.feed_age().is_none_or(|age| age > bound);
        match self.inner.stale_feed {
            StaleFeed::AskRemote(bound) if older_than(bound) => {
                Ok(Arc::new(self.verify_remotely(principal.access_token()).await?))
            }
            StaleFeed::Refuse(bound) if older_than(bound) => {
                Err(Error::unavailable("the feed is too old to know whether the token was revoked"))
            }
            _ => Ok(principal),
        }
    }

    /// Goes on only if the principal's session does, and nothing of the service's own is against it.
    pub(crate) fn check_session(&self, principal: &Principal) -> Result<(), Error> {
        if self.inner.revoked.contains(principal) {
            return Err(Code::TokenRevoked.into());
        }
        self.inner.deny.as_ref().map_or(Ok(()), |deny| deny(principal))
    }

    /// Is ready when the principal's session has ended.
    pub(crate) async fn session_ended(&self, principal: &Principal) {
        self.inner.revoked.ended(principal).await;
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }

    /// Refuses the access tokens of a session in this process from now on. `until` is when the last of them ends by
    /// itself.
    pub fn revoke_locally(&self, session: SessionId, until: DateTime<Utc>) {
        self.inner.revoked.revoke_session(session, until + self.inner.verifier.leeway(), self.inner.clock.now());
    }

    /// Refuses one access token, by its `jti`, in this process from now on. `until` is when it ends by itself.
    pub fn revoke_token_locally(&self, token_id: String, until: DateTime<Utc>) {
        self.inner.revoked.revoke_token(token_id, until + self.inner.verifier.leeway(), self.inner.clock.now());
    }

    /// Time passed since the public keys were last fetched; absent before the first time.
    #[must_use]
    pub fn key_age(&self) -> Option<Duration> {
        self.inner.verifier.keys().age()
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    pub(crate) fn freshness(&self) -> &Arc<Freshness> {
        self.inner.verifier.freshness()
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.inner.feed
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(crate) fn leeway(&self) -> Duration {
        self.inner.expectation.leeway
    }

    pub(crate) fn expectation(&self) -> &Expectation {
        &self.inner.expectation
    }

    pub(crate) fn access_token_cookie(&self) -> Option<&str> {
        self.inner.access_token_cookie.as_deref()
    }
}

#[cfg(feature = "proxy")]
impl AuthGraph {
    /// Ends the session of a principal in this process: for a log-out that auth-graph has confirmed.
    pub(crate) fn forget_session_of(&self, principal: &Principal) {
        if let Some(session) = principal.session_id {
            // The youngest access token of the session can have been issued just now, and lives as long as this one.
            self.revoke_locally(session, self.inner.clock.now() + (principal.expires_at - principal.issued_at));
        }
    }
}

impl AuthGraph {
    /// The mirror, where there is one.
    #[must_use]
    pub fn mirror(&self) -> Option<&crate::mirror::Mirror> {
        self.inner.mirror.as_ref()
    }

    pub(crate) fn first_sights(&self) -> &crate::flight::Flights<crate::ids::UserId, crate::mirror::MirroredUser> {
        &self.inner.first_sights
    }
}

impl fmt::Debug for AuthGraph {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuthGraph")
            .field("graphql_url", &self.inner.transport.graphql_url.as_str())
            .field("verification", &self.inner.verification)
            .finish_non_exhaustive()
    }
}
