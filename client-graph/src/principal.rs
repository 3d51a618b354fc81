//! The verified caller.

use std::fmt;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::error::{Code, Error};
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
    pub(crate) token: SecretString,
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

    /// Goes on only if the token allows this.
    ///
    /// # Errors
    /// `FORBIDDEN` when it does not.
    pub fn require_scope(&self, scope: &str) -> Result<(), Error> {
        if self.has_scope(scope) { Ok(()) } else { Err(Code::Forbidden.into()) }
    }

    /// The access token, to call auth-graph or another service in the caller's name.
    #[must_use]
    pub fn access_token(&self) -> &SecretString {
        &self.token
    }
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
