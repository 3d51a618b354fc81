//! Errors in the form that GraphQL uses. Every error has `extensions.code`, a temporary one has
//! `extensions.retryAfter`, one about an argument has `extensions.field`, and one about a permission has
//! `extensions.reason`.

use async_graphql::ErrorExtensions;

use model::error::Error;

/// Error type of resolvers, in place of the one of async-graphql.
///
/// It has no `Display` on purpose. async-graphql converts any type that has one, and so would drop the code and show
/// the text to the caller. Here, `?` on an [`Error`] keeps the code, and `?` on any other error does not compile.
#[derive(Debug)]
pub struct ApiError(Error);

/// The result of a resolver.
pub(super) type Result<T> = std::result::Result<T, ApiError>;

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<ApiError> for async_graphql::Error {
    /// Logs internal errors, because every error passes through here. The cause is not shown to the caller.
    fn from(ApiError(error): ApiError) -> Self {
        if matches!(error, Error::Internal(_) | Error::Unavailable { source: Some(_), .. }) {
            tracing::error!(error = errors::explain(&error), "a request failed");
        }
        Self::new(error.to_string()).extend_with(|_, extensions| {
            extensions.set("code", error.code().as_str());
            match &error {
                Error::ValidationFailed { field, path, .. } => extensions.set("field", format!("{field}{path}")),
                Error::WrongPassword { field } => extensions.set("field", *field),
                _ => {}
            }
            if let Some(reason) = error.reason() {
                extensions.set("reason", reason.as_str());
            }
            if let Error::MissingScope(scope) = &error {
                extensions.set("requiredScopes", vec![*scope]);
            }
            if let Some(seconds) = error.retry_after_seconds() {
                extensions.set("retryAfter", seconds);
            }
        })
    }
}
