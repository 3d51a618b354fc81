//! The verified caller.

use std::fmt;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Reason};
use crate::ids::{SessionId, UserId};

/// The caller, as described by a verified access token. The library creates it in no other way.
#[derive(Clone)]
#[non_exhaustive]
pub struct Principal {
    /// Subject of the token: a user, or a service that acts for itself.
    pub subject: UserId,
    /// Session of the token; a service that acts for itself may have none.
    pub session_id: Option<SessionId>,
    /// Kind of the caller: a person or a service.
    pub kind: PrincipalKind,
    /// Scopes of the token.
    pub scope: Vec<String>,
    /// Client that the token was issued to.
    pub client_id: String,
    /// Time when the user last authenticated.
    pub auth_time: DateTime<Utc>,
    /// Time when the token was issued.
    pub issued_at: DateTime<Utc>,
    /// Time when the token expires.
    pub expires_at: DateTime<Utc>,
    /// Identifier of the token (`jti`).
    pub token_id: String,
    /// All other claims of the token.
    pub(crate) further: Map<String, Value>,
    pub(crate) token: SecretString,
}

/// The kind of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A person who uses a client.
    User,
    /// A service that acts for itself.
    Service,
}

impl PrincipalKind {
    /// Returns the kind for a subject and a client: a service that acts for itself is its own subject (RFC 9068 section
    /// 2.2).
    pub(crate) fn of(subject: &str, client_id: &str) -> Self {
        if subject == client_id { Self::Service } else { Self::User }
    }
}

impl Principal {
    /// Returns whether the token has this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|held| held == scope)
    }

    /// Returns whether the token has all of these scopes.
    #[must_use]
    pub fn has_scopes(&self, scopes: &[&str]) -> bool {
        scopes.iter().all(|scope| self.has_scope(scope))
    }

    /// Returns whether the token has at least one of these scopes.
    #[must_use]
    pub fn has_any_scope(&self, scopes: &[&str]) -> bool {
        scopes.iter().any(|scope| self.has_scope(scope))
    }

    /// Requires a scope of the token.
    ///
    /// # Errors
    /// `FORBIDDEN` when the token does not have the scope.
    pub fn require_scope(&self, scope: &str) -> Result<(), Error> {
        self.require_scopes(&[scope])
    }

    /// Requires all of these scopes. The error names them.
    pub(crate) fn require_scopes(&self, scopes: &[&str]) -> Result<(), Error> {
        if self.has_scopes(scopes) { Ok(()) } else { Err(Error::missing_scope(scopes, " and ")) }
    }

    /// Requires one of these scopes. The error names them.
    pub(crate) fn require_any_scope(&self, scopes: &[&str]) -> Result<(), Error> {
        if self.has_any_scope(scopes) { Ok(()) } else { Err(Error::missing_scope(scopes, " or ")) }
    }

    /// Requires that the caller is this user.
    ///
    /// # Errors
    /// `FORBIDDEN` when the caller is another user.
    pub fn require_self(&self, user: UserId) -> Result<(), Error> {
        if self.subject == user { Ok(()) } else { Err(Error::forbidden(Reason::NotSelf)) }
    }

    /// Returns a claim of the token that has no field here: one that the operator of auth-graph has configured by a
    /// claims policy or the claims hook, or a registered one such as `amr`.
    ///
    /// # Errors
    /// `FORBIDDEN` when the claim is of another type: the token was not made for this service.
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        self.further.get(name).map(|value| T::deserialize(value).map_err(unfit)).transpose()
    }

    /// Returns the claims of the token that have no field here, as a type of the service's own.
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

    /// Returns the access token, for calls to auth-graph or another service on the caller's behalf.
    #[must_use]
    pub fn access_token(&self) -> &SecretString {
        &self.token
    }
}

fn unfit(_: serde_json::Error) -> Error {
    // The message quotes the token, so it is not kept.
    Error::forbidden(Reason::MissingClaims)
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
