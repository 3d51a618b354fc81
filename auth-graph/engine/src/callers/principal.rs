//! The verified caller, as the access token names it.

use std::sync::Arc;

use credentials::Claims;
use credentials::access_tokens::CheckedToken;
use model::values::{Scopes, SessionId, UserId};

/// The verified caller.
#[derive(Clone, Debug)]
pub struct Principal(Arc<CheckedToken>);

impl Principal {
    /// Builds the principal for the bearer of a token that was checked before.
    pub(crate) fn of(checked: Arc<CheckedToken>) -> Self {
        Self(checked)
    }

    /// Returns the checked token.
    pub(crate) fn checked(&self) -> Arc<CheckedToken> {
        Arc::clone(&self.0)
    }

    /// Returns the identifier of the user, or of the service client in the same type: no user has its identifier.
    #[must_use]
    pub fn subject(&self) -> UserId {
        self.0.claims.sub
    }

    /// Returns the session that the token belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.0.claims.sid
    }

    /// Returns whether the caller is a service client and not a user.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.0.claims.is_service()
    }

    /// Returns the user who acts as the subject, if any.
    #[must_use]
    pub fn impersonator(&self) -> Option<UserId> {
        self.0.claims.act.map(|act| act.sub)
    }

    /// Returns whether the token allows this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.0.scopes.contains(scope)
    }

    /// Returns the verified claims of the token.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.0.claims
    }

    /// Returns the scopes that the token allows.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }
}
