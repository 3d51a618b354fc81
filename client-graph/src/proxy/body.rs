//! Bodies of requests: JSON only, so that no form of another site can post them, and bounded.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::error::{Code, Error};

/// For so long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a body.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT` or `BAD_REQUEST`.
pub(super) async fn read<T: DeserializeOwned>(parts: &Parts, body: Body) -> Result<T, Error> {
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Code::UnsupportedMediaType.into());
    }
    let request = Request::from_parts(parts.clone(), body);
    let reading = tokio::time::timeout(PATIENCE, Bytes::from_request(request, &()));
    let bytes = match reading.await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return Err(Code::PayloadTooLarge.into());
        }
        Ok(Err(_)) => return Err(Code::BadRequest.into()),
        Err(_) => return Err(Code::RequestTimeout.into()),
    };
    // The parser's message can quote a password.
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::new(Code::BadRequest).with_detail(format!("JSON parse error - line {line}, column {column}"))
    })
}
