//! The verified caller, as the access token names it.

use std::sync::Arc;

use credentials::Claims;
use credentials::access_tokens::CheckedToken;
use model::values::{Scopes, SessionId, UserId};

/// The verified caller.
#[derive(Clone, Debug)]
pub struct Principal(Arc<CheckedToken>);

impl Principal {
    /// Whoever bears a token that was checked before.
    pub(crate) fn of(checked: Arc<CheckedToken>) -> Self {
        Self(checked)
    }

    /// The token.
    pub(crate) fn checked(&self) -> Arc<CheckedToken> {
        Arc::clone(&self.0)
    }

    /// The user, or the service client under the same type: no user has its identifier.
    #[must_use]
    pub fn subject(&self) -> UserId {
        self.0.claims.sub
    }

    /// The session that the token belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.0.claims.sid
    }

    /// Whether it is a service client and not a user.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.0.claims.is_service()
    }

    /// Who acts as the subject, where somebody does.
    #[must_use]
    pub fn impersonator(&self) -> Option<UserId> {
        self.0.claims.act.map(|act| act.sub)
    }

    /// Whether the token allows this.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.0.scopes.contains(scope)
    }

    /// What the token says.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.0.claims
    }

    /// What the token allows.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }
}
