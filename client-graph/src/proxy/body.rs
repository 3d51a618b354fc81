//! Bodies of requests: JSON only, so that no form of another site can post them, and bounded.

use axum::body::Body;
use axum::http::request::Parts;
use http_input::BodyError;
use serde::de::DeserializeOwned;

use super::MAX_BODY;
use crate::error::{Code, Error};

/// Reads a body.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT` or `BAD_REQUEST`.
pub(super) async fn read<T: DeserializeOwned>(parts: &Parts, body: Body) -> Result<T, Error> {
    http_input::check_json(&parts.headers).map_err(|_| Code::UnsupportedMediaType)?;
    let bytes = http_input::receive(body, MAX_BODY).await.map_err(|error| match error {
        BodyError::TooLarge => Code::PayloadTooLarge,
        BodyError::TimedOut => Code::RequestTimeout,
        BodyError::Broken(_) => Code::BadRequest,
    })?;
    // The parser's message can quote a password.
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::new(Code::BadRequest).with_detail(format!("JSON parse error - line {line}, column {column}"))
    })
}
