//! The context of a request: its caller, and on demand the caller's mirrored user.
//!
//! A bad token never fails the request as a whole. Fields that need no caller are answered; those that need one fail
//! with the token's code. `cookies` finds the token of a request without the header `Authorization`.

use std::fmt;
use std::sync::Arc;

use http_input::Bearer;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::AuthGraph;
use crate::error::{Code, Error};
use crate::freshness::FeedStatus;
use crate::principal::Principal;

/// The caller of a request.
#[derive(Clone, Debug)]
pub enum Caller {
    /// The request has no access token.
    Anonymous,
    /// The request has a good access token.
    Principal(Arc<Principal>),
    /// The request has an access token that is not good, or cannot be verified now.
    Refused(Error),
}

/// The context of a request: its caller, and access to the caller's user. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    auth: AuthGraph,
    caller: Caller,
}

impl AuthGraph {
    /// Builds the context of a request from its headers. For an access token that was verified before, this waits for
    /// nothing.
    pub async fn context(&self, headers: &HeaderMap) -> Context {
        let caller = match Bearer::of(headers) {
            Bearer::Absent => self.caller_of_cookies(headers).await,
            bearer => self.caller_of(bearer).await,
        };
        Context { auth: self.clone(), caller }
    }

    /// Builds the context for a bearer token of whatever origin.
    pub(super) async fn context_of(&self, bearer: Bearer<'_>) -> Context {
        Context { auth: self.clone(), caller: self.caller_of(bearer).await }
    }

    /// Builds the context for an access token that does not come in a header.
    pub async fn context_from_token(&self, access_token: Option<&SecretString>) -> Context {
        let caller = match access_token {
            Some(token) => self.caller(token.expose_secret()).await,
            None => Caller::Anonymous,
        };
        Context { auth: self.clone(), caller }
    }

    async fn caller_of(&self, bearer: Bearer<'_>) -> Caller {
        match bearer {
            Bearer::Absent => Caller::Anonymous,
            Bearer::Malformed => {
                Caller::Refused(Error::new(Code::TokenInvalid).with_detail(errors::AUTHORIZATION_MALFORMED))
            }
            Bearer::Token(token) => self.caller(token).await,
        }
    }

    async fn caller(&self, token: &str) -> Caller {
        match self.authenticate_text(token).await {
            Ok(principal) => Caller::Principal(principal),
            Err(error) => Caller::Refused(error),
        }
    }
}

impl Context {
    /// Returns the caller.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns the verified caller. On a WebSocket a context can outlive its request; a session that has ended since is
    /// refused.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a token, and the code of a token that is not good.
    pub fn principal(&self) -> Result<&Arc<Principal>, Error> {
        match &self.caller {
            Caller::Principal(principal) => self.auth.check_session(principal).map(|()| principal),
            Caller::Anonymous => Err(Code::Unauthenticated.into()),
            Caller::Refused(error) => Err(error.clone()),
        }
    }

    /// Returns the time passed since this process last knew every change at auth-graph; none without a feed.
    #[must_use]
    pub fn feed_age(&self) -> Option<std::time::Duration> {
        self.auth.feed_age()
    }

    /// Returns how recent this process's knowledge of auth-graph is: whether it would know that the caller's session
    /// has ended.
    #[must_use]
    pub fn feed_status(&self) -> FeedStatus {
        self.auth.feed_status()
    }

    /// Returns the connection to auth-graph that built this context.
    #[must_use]
    pub fn auth_graph(&self) -> &AuthGraph {
        &self.auth
    }

    /// Returns the caller after auth-graph has confirmed the token now. For operations that are too sensitive to rely
    /// on what this process knows.
    ///
    /// # Errors
    /// As [`principal`](Self::principal), and `UNAVAILABLE` when auth-graph cannot be asked.
    pub async fn fresh_principal(&self) -> Result<&Arc<Principal>, Error> {
        let principal = self.principal()?;
        let confirmed = self.auth.verify_remotely(principal.access_token()).await?;
        if confirmed.subject == principal.subject && confirmed.session_id == principal.session_id {
            Ok(principal)
        } else {
            Err(Code::TokenInvalid.into())
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Context").field("caller", &self.caller).finish_non_exhaustive()
    }
}
