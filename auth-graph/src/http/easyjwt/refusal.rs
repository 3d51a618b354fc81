//! Refusals in the form of Django REST framework: `detail`, sometimes a `code`, or a list for each field.

use axum::Json;
use axum::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use model::error::{Error, Reason};

/// A refusal, to be answered.
pub(in crate::http) enum Refusal {
    /// A list of problems for each field.
    Fields(Value),
    Json {
        line: usize,
        column: usize,
    },
    /// A form whose parts cannot be told apart.
    Multipart,
    MediaType(String),
    ContentCoding,
    TooLarge,
    TooSlow,
    Broken,
    Method {
        method: Method,
        allowed: &'static str,
    },
    /// A cookie that the page may not use.
    Cookie(Reason),
    /// An access token in the place of a refresh token.
    WrongType,
    /// No access token.
    Anonymous,
    /// An access token that is not good.
    BadBearer,
    UserNotFound,
    UserInactive,
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Refusal {
    /// Returns the status and the body.
    pub(in crate::http) fn parts(&self) -> (StatusCode, Value) {
        let token = |detail: &str| (StatusCode::UNAUTHORIZED, json!({ "detail": detail, "code": "token_not_valid" }));
        let coded = |detail: &str, code: &str| (StatusCode::UNAUTHORIZED, json!({ "detail": detail, "code": code }));
        let detail = |status: StatusCode, detail: &str| (status, json!({ "detail": detail }));
        match self {
            Self::Fields(problems) => (StatusCode::BAD_REQUEST, problems.clone()),
            Self::Json { line, column } => {
                detail(StatusCode::BAD_REQUEST, &format!("JSON parse error - line {line} column {column}"))
            }
            Self::Multipart => detail(StatusCode::BAD_REQUEST, "Multipart form parse error"),
            Self::MediaType(found) => {
                let what = format!("Unsupported media type \"{found}\" in request.");
                detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, &what)
            }
            Self::ContentCoding => detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed."),
            Self::TooLarge => detail(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 16 KiB."),
            Self::TooSlow => detail(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time."),
            Self::Broken => detail(StatusCode::BAD_REQUEST, "The body could not be read."),
            Self::Method { method, .. } => {
                detail(StatusCode::METHOD_NOT_ALLOWED, &format!("Method \"{method}\" not allowed."))
            }
            Self::Cookie(reason) => coded(&Error::Denied(*reason).to_string(), reason.as_str()),
            Self::WrongType => token("Token has wrong type"),
            Self::Anonymous => detail(StatusCode::UNAUTHORIZED, "Authentication credentials were not provided."),
            Self::BadBearer => {
                let message = "Token is invalid or expired";
                let one = json!({ "token_class": "AccessToken", "token_type": "access", "message": message });
                let what = "Given token not valid for any token type";
                let body = json!({ "detail": what, "code": "token_not_valid", "messages": [one] });
                (StatusCode::UNAUTHORIZED, body)
            }
            Self::UserNotFound => coded("User not found", "user_not_found"),
            Self::UserInactive => coded("User is inactive", "user_inactive"),
            Self::Failed(error) => match error {
                Error::InvalidCredentials | Error::WrongPassword { .. } => {
                    detail(StatusCode::UNAUTHORIZED, "No active account found with the given credentials")
                }
                Error::TokenRevoked | Error::TokenReused => token("Token is blacklisted"),
                Error::TokenExpired | Error::TokenInvalid => token("Token is invalid or expired"),
                Error::AuthorizationMalformed => coded(&error.to_string(), "bad_authorization_header"),
                Error::RateLimited { .. } => detail(StatusCode::TOO_MANY_REQUESTS, "Request was throttled."),
                Error::Unavailable { .. } => detail(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
                // What is not offered is not there.
                Error::Forbidden | Error::MissingScope(_) | Error::Denied(_) | Error::NotFound => {
                    detail(StatusCode::NOT_FOUND, "Not found.")
                }
                Error::Conflict(_) => detail(StatusCode::CONFLICT, &error.to_string()),
                Error::ValidationFailed { .. } => detail(StatusCode::BAD_REQUEST, &error.to_string()),
                // None of these is returned by a function that these paths call.
                Error::Unauthenticated
                | Error::OneTimeTokenInvalid
                | Error::ReauthenticationRequired
                | Error::CursorExpired
                | Error::Internal(_) => detail(StatusCode::INTERNAL_SERVER_ERROR, &Error::internal("").to_string()),
            },
        }
    }

    /// Builds the response with a status and a body, which another service may have in words of its own.
    pub(in crate::http) fn respond(&self, status: StatusCode, body: Value) -> Response {
        let mut response = (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"api\""));
        }
        if let Self::Method { allowed, .. } = self {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if let Self::Failed(error) = self {
            if status.is_server_error() {
                tracing::error!(error = errors::explain(error), "a request failed");
            }
            if let Some(seconds) = error.retry_after_seconds() {
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, body) = self.parts();
        self.respond(status, body)
    }
}
