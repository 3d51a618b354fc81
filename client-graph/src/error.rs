//! What can go wrong, as a caller sees it: one opaque [`Error`] with one [`Code`], and one table from codes to HTTP
//! statuses.
//!
//! `Display` is for users; the source is for the log. How an error is written as problem+json is in `problem`, how a
//! GraphQL resolver returns one in `api`.

#[cfg(feature = "async-graphql")]
mod api;
mod code;
#[cfg(feature = "axum")]
pub(crate) mod problem;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "async-graphql")]
pub use api::ApiError;
pub use code::Code;

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// When to ask again, where the other side did not say.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A refusal or a failure. Act on its [`code`](Error::code); show its `Display` to users.
#[derive(Clone)]
pub struct Error {
    code: Code,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    source: Option<Source>,
}

impl Error {
    /// The code that a program acts on.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The HTTP status that goes with the code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// When to try again, for the errors that pass.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// An error of this kind, with the code's own message.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let retry_after = matches!(code, Code::RateLimited | Code::Unavailable).then_some(RETRY_AFTER);
        Self { code, detail: None, retry_after, source: None }
    }

    /// An argument that breaks a rule.
    #[must_use]
    pub fn invalid(field: &str, message: &str) -> Self {
        Self::new(Code::ValidationFailed).with_detail(format!("{field}: {message}"))
    }

    /// Says what is wrong in this case, in words that users may read.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Keeps the cause, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// The time to wait in whole seconds, rounded up, as `Retry-After` and `retryAfter` carry it.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0))
    }

    /// Something that we need is away.
    pub(crate) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Unavailable).with_source(source)
    }

    /// A fault of ours.
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
