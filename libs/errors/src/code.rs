//! The table of all error codes that a service, its HTTP edge or the client library uses: the name on the wire, the
//! HTTP status, the message for users and the description in the GraphQL schema.
//!
//! The type [`Code`] and the GraphQL enum `ErrorCode` are generated from it.

macro_rules! codes {
    ($($(#[doc = $description:literal])* $variant:ident = $name:literal, $status:literal, $message:literal;)*) => {
        /// Codes of errors, sent as `extensions.code`. Programs act on the code and not on the message, because
        /// gateways rewrite messages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "graphql", derive(async_graphql::Enum), graphql(name = "ErrorCode"))]
        #[non_exhaustive]
        pub enum Code {
            $(
                $(#[doc = $description])*
                #[cfg_attr(feature = "graphql", graphql(name = $name))]
                $variant,
            )*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns the number of the HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)*
                }
            }

            /// Returns the message for users, for errors without a message of their own.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)*
                }
            }

            /// Returns the code with this name on the wire. Services of a newer version send codes that are unknown
            /// here.
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
    /// The operation needs a signed-in caller.
    Unauthenticated = "UNAUTHENTICATED", 401, "Sign in first.";
    /// The e-mail address or the password is wrong, or the account is disabled. The answer is the same in each case.
    InvalidCredentials = "INVALID_CREDENTIALS", 401, "The e-mail address or the password is wrong.";
    /// The token has expired. Refresh it.
    TokenExpired = "TOKEN_EXPIRED", 401, "The token has expired.";
    /// The token is malformed, was not issued by this service, or is not meant for this use.
    TokenInvalid = "TOKEN_INVALID", 401, "The token is invalid.";
    /// The session of the token has ended. Sign in again.
    TokenRevoked = "TOKEN_REVOKED", 401, "The token has been revoked.";
    /// An outdated refresh token was used. It may be stolen, so its session was ended.
    TokenReused = "TOKEN_REUSED", 401, "The refresh token was used before; its session has been ended.";
    /// The one-time token has expired, was used before, or is meant for something else. Ask for a new link.
    OneTimeTokenInvalid = "ONE_TIME_TOKEN_INVALID", 400, "The link is invalid, has expired or was used before. Ask for a new one.";
    /// The last sign-in is too long ago for this operation. Send the password, or sign in again.
    ReauthenticationRequired = "REAUTHENTICATION_REQUIRED", 403, "Confirm this with your password, or sign in again.";
    /// The caller lacks a permission, or a setting or the origin of the page does not allow the operation.
    /// `extensions.reason` says which, such as `MISSING_SCOPE` together with `extensions.requiredScopes`.
    Forbidden = "FORBIDDEN", 403, "You may not do this.";
    /// The object does not exist, or the caller may not see it.
    NotFound = "NOT_FOUND", 404, "Not found.";
    /// The operation conflicts with existing data.
    Conflict = "CONFLICT", 409, "This conflicts with existing data.";
    /// The changes after this cursor of the feed are no longer kept. Read `userSnapshots` instead.
    CursorExpired = "CURSOR_EXPIRED", 410, "The changes after this cursor are no longer kept. Read the snapshots.";
    /// An argument is not valid. `extensions.field` names it, followed by a JSON Pointer to the place inside it.
    ValidationFailed = "VALIDATION_FAILED", 400, "An argument is not valid.";
    /// Too many attempts. Wait for `extensions.retryAfter` seconds.
    RateLimited = "RATE_LIMITED", 429, "Too many attempts. Try again later.";
    /// The service, or something that it needs, is overloaded or unavailable. Wait for `extensions.retryAfter` seconds.
    Unavailable = "UNAVAILABLE", 503, "The service is busy or partly unavailable. Try again shortly.";
    /// The service failed. The cause is in its log.
    Internal = "INTERNAL", 500, "Something went wrong on our side.";
    /// The request is not a GraphQL request.
    BadRequest = "BAD_REQUEST", 400, "The request cannot be read.";
    /// The service accepts trusted documents only, and this document is not one of them.
    DocumentNotTrusted = "DOCUMENT_NOT_TRUSTED", 400, "Only trusted documents are executed.";
    /// The service knows no document with this hash. Send the document together with the hash.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND", 400, "No document with this hash is known.";
    /// The service stores no documents. Send the document without a hash.
    PersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED", 400, "This service does not store documents.";
    /// The body of the request is too large.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413, "The body is too large.";
    /// The body of the request did not arrive in time.
    RequestTimeout = "REQUEST_TIMEOUT", 408, "The request did not arrive in time.";
    /// The body of the request is not `application/json`.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415, "The content type must be application/json.";
    /// The HTTP method is not allowed. Send POST, or GET for queries if the service is configured to answer them.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, "This method is not allowed here.";
    /// The service cannot produce any of the media types in `Accept`.
    NotAcceptable = "NOT_ACCEPTABLE", 406, "None of the accepted content types is available.";
    /// The document is not valid GraphQL syntax.
    GraphqlParseFailed = "GRAPHQL_PARSE_FAILED", 400, "The GraphQL document has a syntax error.";
    /// The document does not match the schema.
    GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED", 400, "The GraphQL document does not match the schema.";
    /// The document is too deep or too large, or requests too much at once.
    LimitExceeded = "LIMIT_EXCEEDED", 400, "The GraphQL document exceeds a limit.";
}

/// Message of `TOKEN_INVALID` for a header `Authorization` that has another scheme, no scheme or no token, or occurs
/// twice.
pub const AUTHORIZATION_MALFORMED: &str =
    "The header Authorization is not understood: send it once, with Bearer, a space and the access token.";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_and_an_error_status() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert!(code.message().ends_with('.'), "{code:?}");
            assert_eq!(Code::from_wire(code.as_str()), Some(*code));
        }
    }
}
