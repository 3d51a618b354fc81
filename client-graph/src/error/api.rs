//! The error type of GraphQL resolvers.
//!
//! `?` makes an `async_graphql::Error` of anything that implements `Display`. The code is lost then, and the internal
//! message is sent to the caller. [`ApiError`] has no `Display`: `?` on an [`Error`] keeps its code, and `?` on an
//! error of a database does not compile.

use async_graphql::ErrorExtensions;

use super::{Code, Error};

/// The error of a resolver: `async fn notes(…) -> Result<…, ApiError>`.
#[derive(Clone, Debug)]
pub struct ApiError(Error);

impl ApiError {
    /// Returns the code that programs act on.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code()
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<ApiError> for async_graphql::Error {
    /// Writes the code, the time to wait (seconds) and the reason of a refusal into `extensions.code`, `retryAfter`,
    /// `reason` and `requiredScopes`.
    fn from(ApiError(error): ApiError) -> Self {
        if error.code() == Code::Internal {
            tracing::error!(error = ?error, "a resolver failed");
        }
        Self::new(error.to_string()).extend_with(|_, extensions| {
            extensions.set("code", error.code().as_str());
            if let Some(seconds) = error.retry_after_seconds() {
                extensions.set("retryAfter", seconds);
            }
            if let Some(reason) = error.reason() {
                extensions.set("reason", reason);
            }
            let scopes: Vec<&str> = error.required_scopes().collect();
            if !scopes.is_empty() {
                extensions.set("requiredScopes", scopes);
            }
        })
    }
}
