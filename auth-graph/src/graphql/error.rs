//! Errors as GraphQL carries them: every one has `extensions.code`, those that pass have `extensions.retryAfter`, those
//! about an argument have `extensions.field`.

use async_graphql::{Enum, ErrorExtensions};

use model::error::{Code, Error};

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
            if let Some(wait) = error.retry_after() {
                // A second too much is waited for rather than one too little.
                extensions.set("retryAfter", wait.as_millis().div_ceil(1000).max(1) as u64);
            }
        })
    }
}

/// What `extensions.code` of an error can be. Act on it and not on the message: gateways rewrite messages.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// Sign in first.
    Unauthenticated,
    /// Unknown e-mail address, wrong password and disabled user alike.
    InvalidCredentials,
    /// The token was good once: refresh it.
    TokenExpired,
    /// Not a token of this service, or not meant for this use.
    TokenInvalid,
    /// The session that the token belongs to has ended: sign in again.
    TokenRevoked,
    /// An outdated refresh token came back: it may be stolen, so its session was ended.
    TokenReused,
    /// A one-time token that has expired, was used, or is meant for something else: ask for a new link.
    OneTimeTokenInvalid,
    /// The sign-in was too long ago for this: give the password, or sign in again.
    ReauthenticationRequired,
    /// You are known and may not do this.
    Forbidden,
    /// No such thing, or none that you may see.
    NotFound,
    /// It clashes with something that exists.
    Conflict,
    /// What follows a cursor of the feed is not kept any more: read `userSnapshots`.
    CursorExpired,
    /// An argument breaks a rule; `extensions.field` names it, and the place in it as a JSON Pointer behind the name.
    ValidationFailed,
    /// Too many attempts: wait for `extensions.retryAfter` seconds.
    RateLimited,
    /// Overloaded or partly away: wait for `extensions.retryAfter` seconds.
    Unavailable,
    /// A fault of the service.
    Internal,
    /// The request is not a GraphQL request.
    BadRequest,
    /// Only documents that the service knows are run, and this is none of them.
    DocumentNotTrusted,
    /// No document is known by this hash: send it along.
    PersistedQueryNotFound,
    /// Documents can not be stored: send them without a hash.
    PersistedQueryNotSupported,
    /// The request is too large.
    PayloadTooLarge,
    /// The request did not arrive in time.
    RequestTimeout,
    /// The request is not `application/json`.
    UnsupportedMediaType,
    /// The request is not a POST, nor a query by GET where these are answered.
    MethodNotAllowed,
    /// The answer can not have the media type that `Accept` asks for.
    NotAcceptable,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The document is too deep, too wide or asks for too much at once.
    LimitExceeded,
}

impl From<Code> for ErrorCode {
    fn from(code: Code) -> Self {
        match code {
            Code::Unauthenticated => Self::Unauthenticated,
            Code::InvalidCredentials => Self::InvalidCredentials,
            Code::TokenExpired => Self::TokenExpired,
            Code::TokenInvalid => Self::TokenInvalid,
            Code::TokenRevoked => Self::TokenRevoked,
            Code::TokenReused => Self::TokenReused,
            Code::OneTimeTokenInvalid => Self::OneTimeTokenInvalid,
            Code::ReauthenticationRequired => Self::ReauthenticationRequired,
            Code::Forbidden => Self::Forbidden,
            Code::NotFound => Self::NotFound,
            Code::Conflict => Self::Conflict,
            Code::CursorExpired => Self::CursorExpired,
            Code::ValidationFailed => Self::ValidationFailed,
            Code::RateLimited => Self::RateLimited,
            Code::Unavailable => Self::Unavailable,
            Code::Internal => Self::Internal,
        }
    }
}
