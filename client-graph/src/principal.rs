//! The verified caller.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Code, Error};
use crate::feed::{FeedStatus, Freshness};
use crate::ids::{SessionId, UserId};

/// Who calls, as a verified access token says. It is not made in any other way.
#[derive(Clone)]
#[non_exhaustive]
pub struct Principal {
    /// Who the token speaks for: the user, or the service that calls for itself.
    pub subject: UserId,
    /// The session that the token belongs to; a service that calls for itself may have none.
    pub session_id: Option<SessionId>,
    /// Whether a person or a service calls.
    pub kind: PrincipalKind,
    /// What the token allows.
    pub scope: Vec<String>,
    /// The client that the token was issued to.
    pub client_id: String,
    /// When the user proved who they are.
    pub auth_time: DateTime<Utc>,
    /// When the token was issued.
    pub issued_at: DateTime<Utc>,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
    /// Names the token.
    pub token_id: String,
    /// What the token says beside.
    pub(crate) further: Map<String, Value>,
    pub(crate) token: SecretString,
    pub(crate) feed: Arc<Freshness>,
}

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A person, through some client.
    User,
    /// A service that calls for itself.
    Service,
}

impl Principal {
    /// Whether the token allows this.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|held| held == scope)
    }

    /// Whether the token allows all of these.
    #[must_use]
    pub fn has_scopes(&self, scopes: &[&str]) -> bool {
        scopes.iter().all(|scope| self.has_scope(scope))
    }

    /// Whether the token allows one of these, whichever.
    #[must_use]
    pub fn has_any_scope(&self, scopes: &[&str]) -> bool {
        scopes.iter().any(|scope| self.has_scope(scope))
    }

    /// Goes on only if the token allows this.
    ///
    /// # Errors
    /// `FORBIDDEN` when it does not.
    pub fn require_scope(&self, scope: &str) -> Result<(), Error> {
        if self.has_scope(scope) { Ok(()) } else { Err(Code::Forbidden.into()) }
    }

    /// Goes on only if this is about the caller.
    ///
    /// # Errors
    /// `FORBIDDEN` when it is about somebody else.
    pub fn require_self(&self, user: UserId) -> Result<(), Error> {
        if self.subject == user { Ok(()) } else { Err(Code::Forbidden.into()) }
    }

    /// A further claim of the token, which the operator of auth-graph has configured by a claims policy or the claims
    /// hook, or a registered one that has no field here, such as `amr`.
    ///
    /// # Errors
    /// `FORBIDDEN` when the claim is of another type: the token was not made for this service.
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        self.further.get(name).map(|value| T::deserialize(value).map_err(unfit)).transpose()
    }

    /// The further claims of the token as a type of the service's own.
    ///
    /// ```
    /// # use client_graph::{Error, Principal, UserId};
    /// #[derive(serde::Deserialize)]
    /// struct Claims {
    ///     tenant: String,
    ///     #[serde(default)]
    ///     plan: Option<String>,
    /// }
    ///
    /// fn tenant(principal: &Principal) -> Result<String, Error> {
    ///     let Claims { tenant, plan } = principal.claims()?;
    ///     # let _ = plan;
    ///     Ok(tenant)
    /// }
    /// ```
    ///
    /// # Errors
    /// `FORBIDDEN` when a claim is missing or of another type: the token was not made for this service.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(Value::Object(self.further.clone())).map_err(unfit)
    }

    /// How well this service knows, right now, what happened at auth-graph: whether the session was ended meanwhile.
    #[must_use]
    pub fn feed_status(&self) -> FeedStatus {
        self.feed.status()
    }

    /// The access token, to call auth-graph or another service in the caller's name.
    #[must_use]
    pub fn access_token(&self) -> &SecretString {
        &self.token
    }
}

fn unfit(_: serde_json::Error) -> Error {
    // The message quotes the token, so it is not kept.
    Error::new(Code::Forbidden).with_detail("The access token does not have the claims that this service needs.")
}

impl fmt::Debug for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Principal")
            .field("subject", &self.subject)
            .field("session_id", &self.session_id)
            .field("kind", &self.kind)
            .field("scope", &self.scope)
            .field("client_id", &self.client_id)
            .field("auth_time", &self.auth_time)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
