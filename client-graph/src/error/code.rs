//! The codes that an answer can carry, in `extensions.code` and in problem+json alike, and their HTTP statuses.

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $message:literal;)*) => {
        /// What went wrong, in a form that a program acts on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// The code as it is written on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)*
                }
            }

            /// What a user is told.
            pub(crate) fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)*
                }
            }

            /// The code that is written so, if we know it.
            #[must_use]
            pub fn from_wire(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// The caller has not signed in, and must.
    Unauthenticated = "UNAUTHENTICATED", 401, "Sign in first.";
    /// Unknown e-mail address, wrong password and disabled user alike.
    InvalidCredentials = "INVALID_CREDENTIALS", 401, "The e-mail address or the password is wrong.";
    /// The token was good once: refresh it.
    TokenExpired = "TOKEN_EXPIRED", 401, "The token has expired.";
    /// Not a token for us.
    TokenInvalid = "TOKEN_INVALID", 401, "The token is invalid.";
    /// The session that the token belongs to has ended.
    TokenRevoked = "TOKEN_REVOKED", 401, "The token has been revoked.";
    /// An outdated refresh token came back: it may be stolen, so its session was ended.
    TokenReused = "TOKEN_REUSED", 401, "The refresh token was used before; its session has been ended.";
    /// A one-time token that has expired, was used, or is meant for something else.
    OneTimeTokenInvalid = "ONE_TIME_TOKEN_INVALID", 400, "The link is invalid, has expired or was used before. Ask for a new one.";
    /// The sign-in was too long ago for what was asked for.
    ReauthenticationRequired = "REAUTHENTICATION_REQUIRED", 403, "Confirm it with your password, or sign in again.";
    /// The caller is known and may not do this.
    Forbidden = "FORBIDDEN", 403, "You may not do this.";
    /// No such thing, or none that the caller may see.
    NotFound = "NOT_FOUND", 404, "Not found.";
    /// It clashes with something that exists.
    Conflict = "CONFLICT", 409, "It clashes with something that exists.";
    /// What follows a cursor of the feed is not kept any more.
    CursorExpired = "CURSOR_EXPIRED", 410, "What follows this cursor is not kept any more.";
    /// An argument breaks a rule.
    ValidationFailed = "VALIDATION_FAILED", 400, "An argument breaks a rule.";
    /// Too many attempts: wait for `retryAfter` seconds.
    RateLimited = "RATE_LIMITED", 429, "Too many attempts. Try again later.";
    /// Overloaded, or something that is needed is away: wait for `retryAfter` seconds.
    Unavailable = "UNAVAILABLE", 503, "The service is busy or partly unavailable. Try again shortly.";
    /// A fault of the service.
    Internal = "INTERNAL", 500, "Something went wrong on our side.";
    /// The request can not be read.
    BadRequest = "BAD_REQUEST", 400, "The request can not be read.";
    /// Only documents that the service knows are run, and this is none of them.
    DocumentNotTrusted = "DOCUMENT_NOT_TRUSTED", 400, "Only documents that are known here are run.";
    /// No document is known by this hash.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND", 400, "No document is known by this hash.";
    /// Documents can not be stored.
    PersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED", 400, "Documents can not be stored here.";
    /// The body is too large.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413, "The body is too large.";
    /// The body did not arrive in time.
    RequestTimeout = "REQUEST_TIMEOUT", 408, "The request did not arrive in time.";
    /// The body is not JSON.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415, "The content type must be application/json.";
    /// This address does not know the method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, "This method is not allowed here.";
    /// None of the content types that the caller accepts can be produced.
    NotAcceptable = "NOT_ACCEPTABLE", 406, "None of the accepted content types can be produced.";
    /// The GraphQL document has a syntax error.
    GraphqlParseFailed = "GRAPHQL_PARSE_FAILED", 400, "The GraphQL document has a syntax error.";
    /// The GraphQL document does not fit the schema.
    GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED", 400, "The GraphQL document does not fit the schema.";
    /// The GraphQL document exceeds a limit.
    LimitExceeded = "LIMIT_EXCEEDED", 400, "The GraphQL document exceeds a limit.";
}
