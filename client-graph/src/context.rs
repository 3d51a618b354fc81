//! The context builder: a request becomes a [`Caller`], and the caller becomes a mirrored user when someone asks.
//!
//! A bad token never fails the request as a whole: what needs no caller is answered, what needs one reports the token's
//! code. How a token is found in a request is in `headers`.

mod headers;

use std::fmt;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use crate::client::AuthGraph;
use crate::error::{Code, Error};
use crate::principal::Principal;
use headers::Found;

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody who says so: the request has no access token.
    Anonymous,
    /// Somebody with a good access token.
    Principal(Arc<Principal>),
    /// Somebody with an access token that is no good, or that can not be verified now.
    Refused(Error),
}

/// A request's caller, and the way to the caller's user. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    auth: AuthGraph,
    caller: Caller,
}

impl AuthGraph {
    /// Finds out who sends a request. With an access token that was seen before this does no work that waits.
    pub async fn context(&self, headers: &HeaderMap) -> Context {
        let caller = match headers::find_token(headers, self.access_token_cookie()) {
            Found::Nothing => Caller::Anonymous,
            Found::Malformed => Caller::Refused(Code::TokenInvalid.into()),
            Found::Token(token) => self.caller(token).await,
        };
        Context { auth: self.clone(), caller }
    }

    /// The same for an access token that comes another way, such as the payload of a WebSocket's `connection_init`.
    pub async fn context_from_token(&self, access_token: Option<&SecretString>) -> Context {
        let caller = match access_token {
            Some(token) => self.caller(token.expose_secret()).await,
            None => Caller::Anonymous,
        };
        Context { auth: self.clone(), caller }
    }

    async fn caller(&self, token: &str) -> Caller {
        match self.authenticate_text(token).await {
            Ok(principal) => Caller::Principal(principal),
            Err(error) => Caller::Refused(error),
        }
    }
}

impl Context {
    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The verified caller. A context can outlive a request, on a WebSocket: a session that has ended meanwhile is
    /// noticed.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a token, and the token's own code when it is no good.
    pub fn principal(&self) -> Result<&Arc<Principal>, Error> {
        match &self.caller {
            Caller::Principal(principal) => self.auth.check_session(principal).map(|()| principal),
            Caller::Anonymous => Err(Code::Unauthenticated.into()),
            Caller::Refused(error) => Err(error.clone()),
        }
    }

    /// Time passed since this service last knew of everything that had happened at auth-graph; absent without a feed.
    #[must_use]
    pub fn feed_age(&self) -> Option<std::time::Duration> {
        self.auth.feed_age()
    }

    /// The connection to auth-graph that made this context.
    #[must_use]
    pub fn auth_graph(&self) -> &AuthGraph {
        &self.auth
    }

    /// Asks auth-graph whether it stands by the caller's token right now; for what is too sensitive to rely on what we
    /// know.
    ///
    /// # Errors
    /// As [`principal`](Self::principal), and `UNAVAILABLE` when auth-graph can not be asked: it fails closed.
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
