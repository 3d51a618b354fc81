//! Errors as GraphQL carries them: every one has `extensions.code`, those that pass have `extensions.retryAfter`, those
//! about an argument have `extensions.field`.

use async_graphql::ErrorExtensions;

use model::error::Error;

/// What resolvers return instead of an error of async-graphql.
///
/// It has no `Display` on purpose: async-graphql takes anything that has one, drops the code and shows the text to the
/// caller. So `?` on an [`Error`] keeps its code here, and `?` on anything else does not compile.
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
    /// Faults of ours are logged here, the one place that sees them all, and their cause is shown to nobody.
    fn from(ApiError(error): ApiError) -> Self {
        if matches!(error, Error::Internal(_) | Error::Unavailable { source: Some(_), .. }) {
            tracing::error!(error = errors::explain(&error), "a request failed");
        }
        Self::new(error.to_string()).extend_with(|_, extensions| {
            extensions.set("code", error.code().as_str());
            if let Error::ValidationFailed { field, path, .. } = &error {
                extensions.set("field", format!("{field}{path}"));
            }
            if let Some(seconds) = error.retry_after_seconds() {
                extensions.set("retryAfter", seconds);
            }
        })
    }
}
