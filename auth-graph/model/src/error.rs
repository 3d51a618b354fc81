//! What can go wrong, as a caller sees it: one [`Error`], one [`Code`] for each, one table from codes to HTTP statuses.
//!
//! Add a variant only if a caller would act differently. `Display` is for users; the source is for us and goes to the
//! log, once, at the edge. Nothing here knows GraphQL or HTTP beyond the number of a status.

use std::fmt;
use std::time::Duration;

use sea_orm::DbErr;

pub use errors::Code;

/// The result of everything in this crate that a caller can make fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A refusal or a failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller has not signed in, and must.
    Unauthenticated,
    /// Unknown e-mail address, wrong password and disabled user alike.
    InvalidCredentials,
    /// The token was good once.
    TokenExpired,
    /// Not a token of ours, or not meant for this use.
    TokenInvalid,
    /// The session that the token belongs to has ended.
    TokenRevoked,
    /// An outdated refresh token came back: it may be stolen, so its session was ended.
    TokenReused,
    /// A one-time token that is not ours, has expired, was used, or is meant for something else.
    OneTimeTokenInvalid,
    /// The sign-in was too long ago for what was asked for.
    ReauthenticationRequired,
    /// The caller is known and may not do this.
    Forbidden,
    /// No such thing, or none that the caller may see.
    NotFound,
    /// It clashes with something that exists.
    Conflict(&'static str),
    /// What follows a position in the feed is not kept any more.
    CursorExpired,
    /// An argument breaks a rule.
    ValidationFailed {
        /// The argument's name in the API.
        field: &'static str,
        /// Where in the argument, as a JSON Pointer (RFC 6901); empty: the argument itself.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// Too many attempts.
    RateLimited {
        /// When the next attempt will be heard.
        retry_after: Duration,
    },
    /// Overloaded, or something that we need is away.
    Unavailable {
        /// When it is worth asking again.
        retry_after: Duration,
        /// What failed, where something did.
        #[source]
        source: Option<Source>,
    },
    /// A fault of ours.
    Internal(#[source] Source),
}

impl Error {
    /// An argument that breaks a rule.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::invalid_at(field, String::new(), message)
    }

    /// An argument that breaks a rule somewhere within.
    pub fn invalid_at(field: &'static str, path: String, message: impl Into<String>) -> Self {
        Self::ValidationFailed { field, path, message: message.into() }
    }

    /// The same error, told of this argument where it is about the value of one.
    #[must_use]
    pub fn about(self, field: &'static str) -> Self {
        match self {
            Self::ValidationFailed { path, message, .. } => Self::ValidationFailed { field, path, message },
            other => other,
        }
    }

    /// A fault of ours, described for the log.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    /// Something that we need is away, or does not do what it should.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable { retry_after: Duration::from_secs(1), source: Some(source.into()) }
    }

    /// The code that a program acts on.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            Self::InvalidCredentials => Code::InvalidCredentials,
            Self::TokenExpired => Code::TokenExpired,
            Self::TokenInvalid => Code::TokenInvalid,
            Self::TokenRevoked => Code::TokenRevoked,
            Self::TokenReused => Code::TokenReused,
            Self::OneTimeTokenInvalid => Code::OneTimeTokenInvalid,
            Self::ReauthenticationRequired => Code::ReauthenticationRequired,
            Self::Forbidden => Code::Forbidden,
            Self::NotFound => Code::NotFound,
            Self::Conflict(_) => Code::Conflict,
            Self::CursorExpired => Code::CursorExpired,
            Self::ValidationFailed { .. } => Code::ValidationFailed,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Unavailable { .. } => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// When to try again, for the errors that pass.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Returns [`retry_after`](Self::retry_after) in whole seconds, as `Retry-After` and `extensions.retryAfter` carry it.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after().map(errors::retry_after_seconds)
    }
}

impl fmt::Display for Error {
    /// Writes the message for users.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(message) => formatter.write_str(message),
            Self::ValidationFailed { field, path, message } => write!(formatter, "{field}{path}: {message}"),
            other => formatter.write_str(other.code().message()),
        }
    }
}

impl From<DbErr> for Error {
    /// A database that is unreachable, locked or full is unavailable. Any other failure is internal.
    fn from(error: DbErr) -> Self {
        match database::is_unavailable(&error) {
            true => Self::unavailable(error),
            false => Self::Internal(Box::new(error)),
        }
    }
}
