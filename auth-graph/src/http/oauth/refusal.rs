//! Errors in the form of OAuth (RFC 6749 section 5.2). They do not contain our own error codes, because libraries use
//! `error`.

use std::borrow::Cow;

use axum::Json;
use axum::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use model::error::Error;

/// The values of `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Kind {
    InvalidRequest,
    TooLarge,
    ContentCoding,
    WrongMethod,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    UnauthorizedClient,
    UnsupportedGrantType,
    Limited,
    Unavailable,
    Failed,
}

/// A rejected request, which becomes a response.
#[derive(Debug)]
pub(in crate::http) struct Refusal {
    kind: Kind,
    description: Cow<'static, str>,
    retry_after: Option<u64>,
}

impl Refusal {
    /// Builds a refusal. The description is for developers, in ASCII without quotation marks and backslashes.
    pub(super) fn new(kind: Kind, description: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, description: description.into(), retry_after: None }
    }
}

impl Kind {
    fn parts(self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
            Self::ContentCoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "invalid_request"),
            Self::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::InvalidGrant => (StatusCode::BAD_REQUEST, "invalid_grant"),
            Self::InvalidScope => (StatusCode::BAD_REQUEST, "invalid_scope"),
            // RFC 8707 section 2.
            Self::InvalidTarget => (StatusCode::BAD_REQUEST, "invalid_target"),
            Self::UnauthorizedClient => (StatusCode::BAD_REQUEST, "unauthorized_client"),
            Self::UnsupportedGrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            // RFC 6749 defines the next three names for the authorization endpoint only. Section 5.2 allows further
            // names.
            Self::Limited => (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        }
    }
}

impl From<Error> for Refusal {
    /// Converts an error. Internal errors are logged here, and their cause is not shown to the caller.
    fn from(error: Error) -> Self {
        if matches!(error, Error::Internal(_) | Error::Unavailable { source: Some(_), .. }) {
            tracing::error!(error = errors::explain(&error), "a request failed");
        }
        let (kind, description): (_, Cow<'static, str>) = match &error {
            Error::InvalidCredentials
            | Error::WrongPassword { .. }
            | Error::Unauthenticated
            | Error::AuthorizationMalformed => (Kind::InvalidClient, "The client or its secret is wrong.".into()),
            // All cases have the same answer, so that a client does not learn whether a token of another client is
            // valid.
            Error::TokenExpired
            | Error::TokenInvalid
            | Error::TokenRevoked
            | Error::TokenReused
            | Error::Forbidden
            | Error::MissingScope(_)
            | Error::Denied(_) => {
                (Kind::InvalidGrant, "The token is not valid, or was issued to another client.".into())
            }
            Error::ValidationFailed { field: "scope", .. } => {
                (Kind::InvalidScope, "The scope is malformed, or exceeds the allowed scopes.".into())
            }
            Error::ValidationFailed { field: "audience", .. } => {
                (Kind::InvalidTarget, "The audience is not allowed for this client.".into())
            }
            Error::ValidationFailed { .. }
            | Error::NotFound
            | Error::Conflict(_)
            | Error::CursorExpired
            | Error::OneTimeTokenInvalid
            | Error::ReauthenticationRequired => (Kind::InvalidRequest, "The request is malformed.".into()),
            Error::RateLimited { .. } => (Kind::Limited, error.to_string().into()),
            Error::Unavailable { .. } => (Kind::Unavailable, error.to_string().into()),
            Error::Internal(_) => (Kind::Failed, error.to_string().into()),
        };
        Self { kind, description, retry_after: error.retry_after_seconds() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error) = self.kind.parts();
        let body = json!({ "error": error, "error_description": self.description });
        let mut response = (status, [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(body)).into_response();
        if self.kind == Kind::InvalidClient {
            let challenge = HeaderValue::from_static("Basic realm=\"auth-graph\", charset=\"UTF-8\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
