//! Errors as HTTP answers: problem+json (RFC 9457) with the member `code`, and the challenges of RFC 6750.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::{Code, Error};

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        response(&self, members(&self))
    }
}

/// Returns the members of the problem. The caller may add its own.
pub(crate) fn members(error: &Error) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("type".to_owned(), json!("about:blank"));
    members.insert("title".to_owned(), json!(status(error).canonical_reason().unwrap_or("Error")));
    members.insert("status".to_owned(), json!(error.status()));
    members.insert("code".to_owned(), json!(error.code().as_str()));
    members.insert("detail".to_owned(), json!(error.to_string()));
    if let Some(seconds) = error.retry_after_seconds() {
        members.insert("retryAfter".to_owned(), json!(seconds));
    }
    if let Some(reason) = error.reason() {
        members.insert("reason".to_owned(), json!(reason));
    }
    let scopes: Vec<&str> = error.required_scopes().collect();
    if !scopes.is_empty() {
        members.insert("requiredScopes".to_owned(), json!(scopes));
    }
    members
}

/// Returns the answer with these members.
pub(crate) fn response(error: &Error, members: Map<String, Value>) -> Response {
    let mut response = Response::new(Body::from(Value::Object(members).to_string()));
    *response.status_mut() = status(error);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    add_headers(error, headers);
    response
}

/// Adds the headers of an error, which do not depend on its body.
pub(crate) fn add_headers(error: &Error, headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(challenge) = challenge(error).and_then(|challenge| HeaderValue::from_str(&challenge).ok()) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.code() == Code::Internal {
        tracing::error!(error = ?error, "a request failed");
    }
}

pub(crate) fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.status()).expect("the table of codes contains valid statuses")
}

/// Returns the challenge of RFC 6750 section 3. It has no error code if the request had no token, and names the scopes
/// that are needed. Scopes contain no quotation mark (RFC 6749 section 3.3); others are not named.
fn challenge(error: &Error) -> Option<Cow<'static, str>> {
    match error.code() {
        Code::Unauthenticated | Code::InvalidCredentials => Some("Bearer".into()),
        Code::TokenExpired | Code::TokenInvalid | Code::TokenRevoked | Code::TokenReused => {
            Some(r#"Bearer error="invalid_token""#.into())
        }
        Code::Forbidden => {
            let scopes: Vec<&str> = error.required_scopes().collect();
            let challenge = r#"Bearer error="insufficient_scope""#;
            match scopes.is_empty() || scopes.iter().any(|scope| scope.contains(['"', '\\'])) {
                true => Some(challenge.into()),
                false => Some(format!(r#"{challenge}, scope="{}""#, scopes.join(" ")).into()),
            }
        }
        _ => None,
    }
}
