//! An access token becomes a [`Principal`]: verified here or by auth-graph, and checked for revocation on each request.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::AuthGraph;
use crate::error::{Code, Error};
use crate::feed::StaleFeed;
use crate::ids::SessionId;
use crate::principal::Principal;
use crate::verifier::Verification;

impl AuthGraph {
    /// Verifies an access token and checks that its session has not ended.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, `TOKEN_REVOKED`; `UNAVAILABLE` when auth-graph must be asked and cannot be.
    pub async fn authenticate(&self, access_token: &SecretString) -> Result<Arc<Principal>, Error> {
        self.authenticate_text(access_token.expose_secret()).await
    }

    pub(super) async fn authenticate_text(&self, access_token: &str) -> Result<Arc<Principal>, Error> {
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
            StaleFeed::Serve if self.inner.feed.freshness.is_unprimed() => self.confirm(principal).await,
            _ => Ok(principal),
        }
    }

    /// Asks auth-graph whether a token is good, because the sessions that ended before the start of this process are
    /// not known yet. A token about which auth-graph cannot be asked is accepted.
    async fn confirm(&self, principal: Arc<Principal>) -> Result<Arc<Principal>, Error> {
        match self.verify_remotely(principal.access_token()).await {
            Ok(confirmed) => Ok(Arc::new(confirmed)),
            Err(error) => match error.code() {
                Code::TokenInvalid | Code::TokenExpired | Code::TokenRevoked => Err(error),
                _ => Ok(principal),
            },
        }
    }

    /// Fails when the principal's session has ended, or the service's own check refuses the principal.
    pub(super) fn check_session(&self, principal: &Principal) -> Result<(), Error> {
        if self.inner.revoked.contains(principal) {
            return Err(Code::TokenRevoked.into());
        }
        self.inner.deny.as_ref().map_or(Ok(()), |deny| deny(principal))
    }

    /// Waits until the principal's session ends.
    pub(super) async fn session_ended(&self, principal: &Principal) {
        self.inner.revoked.ended(principal).await;
    }

    /// Refuses the access tokens of a session in this process from now on. `until` is the expiry of the last of them.
    pub fn revoke_locally(&self, session: SessionId, until: DateTime<Utc>) {
        self.inner.revoked.revoke_session(session, until + self.inner.verifier.leeway(), self.inner.clock.now());
    }

    /// Refuses one access token, by its `jti`, in this process from now on. `until` is its expiry.
    pub fn revoke_token_locally(&self, token_id: String, until: DateTime<Utc>) {
        self.inner.revoked.revoke_token(token_id, until + self.inner.verifier.leeway(), self.inner.clock.now());
    }

    /// Ends the session of a principal in this process, after auth-graph has confirmed its logout.
    #[cfg(feature = "proxy")]
    pub(crate) fn forget_session_of(&self, principal: &Principal) {
        if let Some(session) = principal.session_id {
            // The newest access token of the session may have been issued just now, and lives as long as this one.
            self.revoke_locally(session, self.inner.clock.now() + (principal.expires_at - principal.issued_at));
        }
    }

    /// Returns the time passed since the public keys were last fetched; none before the first time.
    #[must_use]
    pub fn key_age(&self) -> Option<Duration> {
        self.inner.verifier.keys().age()
    }
}
