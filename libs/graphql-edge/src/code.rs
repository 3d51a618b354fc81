//! The codes of the errors that the edge itself gives. What a service's resolvers answer is the service's own table.

use axum::http::StatusCode;

/// Why the edge refused a request, or what kind of error async-graphql reported.
///
/// It is sent as `extensions.code`, so that a program never has to read a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeCode {
    /// The body is not a GraphQL request.
    BadRequest,
    /// Only documents are run that the service knows beforehand, and this is none of them.
    DocumentNotTrusted,
    /// The origin of the page is not allowed to open a WebSocket.
    Forbidden,
    /// The document is not syntactically valid.
    GraphqlParseFailed,
    /// The document does not fit the schema, or the variables do not fit the document.
    GraphqlValidationFailed,
    /// A resolver failed with an error that is not meant for callers.
    Internal,
    /// The document, or what it asks for, is larger than the service allows.
    LimitExceeded,
    /// Only POST is answered, and GET when it opens a WebSocket; where that is configured, GET with a query too.
    MethodNotAllowed,
    /// None of the media types in `Accept` can be produced.
    NotAcceptable,
    /// The body is larger than the service allows.
    PayloadTooLarge,
    /// No document is known by this hash: it is to be sent along.
    PersistedQueryNotFound,
    /// Documents can not be stored here: they are to be sent without a hash.
    PersistedQueryNotSupported,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is something else than JSON.
    UnsupportedMediaType,
    /// An argument was refused while the operation ran.
    ValidationFailed,
}

impl EdgeCode {
    /// Every code, for a service that publishes one list of codes.
    pub const ALL: [Self; 15] = [
        Self::BadRequest,
        Self::DocumentNotTrusted,
        Self::Forbidden,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::Internal,
        Self::LimitExceeded,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::PayloadTooLarge,
        Self::PersistedQueryNotFound,
        Self::PersistedQueryNotSupported,
        Self::RequestTimeout,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
    ];

    /// The code as it is sent in `extensions.code`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            Self::Forbidden => "FORBIDDEN",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::Internal => "INTERNAL",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::ValidationFailed => "VALIDATION_FAILED",
        }
    }

    /// The HTTP status that says the same. A GraphQL answer does not always carry it: see [`crate::Edge::post`].
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest
            | Self::DocumentNotTrusted
            | Self::GraphqlParseFailed
            | Self::GraphqlValidationFailed
            | Self::LimitExceeded
            | Self::PersistedQueryNotFound
            | Self::PersistedQueryNotSupported
            | Self::ValidationFailed => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}
