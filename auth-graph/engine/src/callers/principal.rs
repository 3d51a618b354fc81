//! The verified caller, as the access token names it.

use std::sync::Arc;

use credentials::Claims;
use credentials::access_tokens::CheckedToken;
use model::values::{Holder, Scopes, Subject, UserId};

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

    /// Returns the user with the session, or the service client.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.0.claims.holder()
    }

    /// Returns the user or the service client.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.holder().subject()
    }

    /// Returns the user, or `None` for a service client.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.subject().user()
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
