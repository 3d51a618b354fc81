//! Errors as callers see them: each [`Error`] has one [`Code`] of the table in `errors`.
//!
//! A new variant is needed only if callers act differently on it. `Display` is for users. The source is for operators
//! and is logged once, at the edge. Nothing here depends on GraphQL or HTTP.

use std::fmt;
use std::time::Duration;

use sea_orm::DbErr;

pub use errors::{Code, Reason};

/// Result of an operation that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Rejection or failure of an operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller must sign in first.
    Unauthenticated,
    /// The e-mail address is unknown, the password is wrong, or the user is disabled.
    InvalidCredentials,
    /// The password that a signed-in user gave as a proof is wrong.
    WrongPassword {
        /// Name of the argument in the API.
        field: &'static str,
    },
    /// The token has expired.
    TokenExpired,
    /// The token was not issued by this service, or is not meant for this use.
    TokenInvalid,
    /// The request has a token in a form that is not understood.
    AuthorizationMalformed,
    /// The session of the token has ended.
    TokenRevoked,
    /// An outdated refresh token was used. It may be stolen, so its session was ended.
    TokenReused,
    /// The one-time token is unknown, has expired, was used before, or is meant for something else.
    OneTimeTokenInvalid,
    /// The last sign-in is too long ago for this operation.
    ReauthenticationRequired,
    /// The caller would give, take over or act upon more than they have.
    Forbidden,
    /// The access token lacks this scope.
    MissingScope(&'static str),
    /// The operation is forbidden for another reason.
    Denied(Reason),
    /// The object does not exist, or the caller may not see it.
    NotFound,
    /// The operation conflicts with existing data. The message is for users.
    Conflict(&'static str),
    /// The changes after a position in the feed are no longer kept.
    CursorExpired,
    /// An argument is not valid.
    ValidationFailed {
        /// Name of the argument in the API.
        field: &'static str,
        /// Place inside the argument as a JSON Pointer (RFC 6901). Empty for the argument itself.
        path: String,
        /// Description of the problem, without the name of the argument.
        message: String,
    },
    /// There were too many attempts.
    RateLimited {
        /// Time until the next attempt is accepted.
        retry_after: Duration,
    },
    /// The service, or something that it needs, is overloaded or unavailable.
    Unavailable {
        /// Time to wait before the next attempt.
        retry_after: Duration,
        /// Cause, for the log.
        #[source]
        source: Option<Source>,
    },
    /// The service failed. The cause is for the log.
    Internal(#[source] Source),
}

impl Error {
    /// Returns an error about an argument.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::invalid_at(field, String::new(), message)
    }

    /// Returns an error about a place inside an argument.
    pub fn invalid_at(field: &'static str, path: String, message: impl Into<String>) -> Self {
        Self::ValidationFailed { field, path, message: message.into() }
    }

    /// Returns the same error. If it is about an argument, the argument has this name.
    #[must_use]
    pub fn about(self, field: &'static str) -> Self {
        match self {
            Self::ValidationFailed { path, message, .. } => Self::ValidationFailed { field, path, message },
            other => other,
        }
    }

    /// Returns an internal error with a cause for the log.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    /// Returns an error about something that is needed and unavailable.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable { retry_after: Duration::from_secs(1), source: Some(source.into()) }
    }

    /// Returns the code that programs act on.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            Self::InvalidCredentials | Self::WrongPassword { .. } => Code::InvalidCredentials,
            Self::TokenExpired => Code::TokenExpired,
            Self::TokenInvalid | Self::AuthorizationMalformed => Code::TokenInvalid,
            Self::TokenRevoked => Code::TokenRevoked,
            Self::TokenReused => Code::TokenReused,
            Self::OneTimeTokenInvalid => Code::OneTimeTokenInvalid,
            Self::ReauthenticationRequired => Code::ReauthenticationRequired,
            Self::Forbidden | Self::MissingScope(_) | Self::Denied(_) => Code::Forbidden,
            Self::NotFound => Code::NotFound,
            Self::Conflict(_) => Code::Conflict,
            Self::CursorExpired => Code::CursorExpired,
            Self::ValidationFailed { .. } => Code::ValidationFailed,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Unavailable { .. } => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// Returns why the operation is forbidden.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Forbidden => Some(Reason::InsufficientPermissions),
            Self::MissingScope(_) => Some(Reason::MissingScope),
            Self::Denied(reason) => Some(*reason),
            _ => None,
        }
    }

    /// Returns the time to wait before the next attempt, if the error is temporary.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Returns [`retry_after`](Self::retry_after) in whole seconds, as `Retry-After` and `extensions.retryAfter` carry
    /// it.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after().map(errors::retry_after_seconds)
    }
}

impl fmt::Display for Error {
    /// Writes the message for users.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPassword { field: "currentPassword" } => formatter.write_str("The current password is wrong."),
            Self::WrongPassword { .. } => formatter.write_str("The password is wrong."),
            Self::Conflict(message) => formatter.write_str(message),
            Self::AuthorizationMalformed => formatter.write_str(errors::AUTHORIZATION_MALFORMED),
            Self::ValidationFailed { field, path, message } => write!(formatter, "{field}{path}: {message}"),
            Self::MissingScope(scope) => write!(formatter, "The access token lacks the scope {scope}."),
            other => formatter.write_str(other.reason().map_or(other.code().message(), Reason::message)),
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
