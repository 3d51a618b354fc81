//! Errors as callers see them: one opaque [`Error`] with one [`Code`].
//!
//! `Display` is for users, the source is for the log. `problem` writes an error as problem+json, and GraphQL resolvers
//! return one as the type in `api`.

#[cfg(feature = "async-graphql")]
mod api;
#[cfg(feature = "axum")]
pub(crate) mod problem;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "async-graphql")]
pub use api::ApiError;
pub use errors::{Code, Reason};

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Time to wait before the next attempt, if the other side has not sent one.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A refusal or a failure. Programs act on its [`code`](Error::code); users see its `Display`.
#[derive(Clone)]
pub struct Error {
    code: Code,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    /// The reason of a refusal, on the heap because most errors have none.
    refusal: Option<Box<Refusal>>,
    source: Option<Source>,
}

/// Why a caller may not do something. The reason is text, because a newer auth-graph may send an unknown one.
#[derive(Clone, Debug)]
struct Refusal {
    reason: Cow<'static, str>,
    required_scopes: Vec<String>,
}

impl Error {
    /// Returns the code that programs act on.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// Returns the HTTP status of the code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// Returns the time to wait before the next attempt, if the error is temporary.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns an error with this code and the code's own message.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let retry_after = matches!(code, Code::RateLimited | Code::Unavailable).then_some(RETRY_AFTER);
        Self { code, detail: None, retry_after, refusal: None, source: None }
    }

    /// Returns an error with the code `FORBIDDEN`, the reason and the message of the reason.
    #[must_use]
    pub fn forbidden(reason: Reason) -> Self {
        let refusal = Refusal { reason: reason.as_str().into(), required_scopes: Vec::new() };
        let error = Self { refusal: Some(Box::new(refusal)), ..Self::new(Code::Forbidden) };
        error.with_detail(reason.message())
    }

    /// Returns an error with the code `FORBIDDEN` for a token that lacks scopes. They are joined by this word.
    #[must_use]
    pub(crate) fn missing_scope(scopes: &[&str], and: &str) -> Self {
        let detail = format!("The access token lacks the scope {}.", scopes.join(and));
        let mut error = Self::forbidden(Reason::MissingScope).with_detail(detail);
        if let Some(refusal) = &mut error.refusal {
            refusal.required_scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        }
        error
    }

    /// Returns an error with the code `FORBIDDEN` for a user without a role.
    #[must_use]
    pub(crate) fn missing_role(role: &str) -> Self {
        Self::forbidden(Reason::MissingRole).with_detail(format!("This needs the role {role}."))
    }

    /// Adds the reason that auth-graph has sent.
    pub(crate) fn with_reason(mut self, reason: String, required_scopes: Vec<String>) -> Self {
        self.refusal = Some(Box::new(Refusal { reason: reason.into(), required_scopes }));
        self
    }

    /// Returns why an operation is forbidden: a name of the table [`Reason`], or one of a newer auth-graph.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.refusal.as_ref().map(|refusal| &*refusal.reason)
    }

    /// Returns the scopes of which the access token lacks one, if that is the reason.
    pub fn required_scopes(&self) -> impl Iterator<Item = &str> {
        self.refusal.iter().flat_map(|refusal| &refusal.required_scopes).map(String::as_str)
    }

    /// Returns an error about an argument that is not valid.
    #[must_use]
    pub fn invalid(field: &str, message: &str) -> Self {
        Self::new(Code::ValidationFailed).with_detail(format!("{field}: {message}"))
    }

    /// Returns whether the error has a message of its own, and not that of its code.
    #[cfg(feature = "proxy")]
    pub(crate) fn has_detail(&self) -> bool {
        self.detail.is_some()
    }

    /// Sets the message, which users may read.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets the time to wait before the next attempt.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Sets the cause, which goes to the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Returns the time to wait in whole seconds, rounded up, as `Retry-After` and `retryAfter` carry it.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(errors::retry_after_seconds)
    }

    /// Returns an error about something that is needed and unavailable.
    pub(crate) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Unavailable).with_source(source)
    }

    /// Returns an error about a call that the service's code or settings lack. The message is for its developers.
    pub(crate) fn misused(fix: &'static str) -> Self {
        Self::internal(fix).with_detail(fix)
    }

    /// Returns an error about a fault of this service.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal).with_source(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.detail.as_deref().unwrap_or_else(|| self.code.message()))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Error")
            .field("code", &self.code)
            .field("detail", &self.detail)
            .field("retry_after", &self.retry_after)
            .field("reason", &self.reason())
            .field("source", &self.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}
