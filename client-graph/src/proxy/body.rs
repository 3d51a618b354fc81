//! Bodies of requests, bounded.
//!
//! A page of another site can make a browser post a form. auth-graph does not act on the cookie without the CSRF token
//! in a header, which no form can send.

use axum::body::Body;
use axum::http::request::Parts;
use http_input::{BodyError, FieldsError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::MAX_BODY;
use crate::error::{Code, Error};

/// Reads a body of JSON.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT` or `BAD_REQUEST`.
pub(super) async fn read<T: DeserializeOwned>(parts: &Parts, body: Body) -> Result<T, Error> {
    http_input::check_json(&parts.headers).map_err(|_| Code::UnsupportedMediaType)?;
    let bytes = http_input::receive(body, MAX_BODY).await.map_err(unread)?;
    serde_json::from_slice(&bytes).map_err(|error| no_json(error.line(), error.column()))
}

/// Reads the fields of a body: of a JSON object or of a form, as Django REST framework does.
///
/// # Errors
/// As [`read`].
pub(super) async fn read_fields(parts: &Parts, body: Body) -> Result<Map<String, Value>, Error> {
    let bad = |detail: &'static str| Error::new(Code::BadRequest).with_detail(detail);
    http_input::read_fields(&parts.headers, body, MAX_BODY).await.map_err(|error| match error {
        FieldsError::Unsupported(_) => Code::UnsupportedMediaType.into(),
        FieldsError::Body(error) => unread(error).into(),
        FieldsError::Json { line, column } => no_json(line, column),
        FieldsError::NoObject => bad("Invalid data. Expected a dictionary."),
        FieldsError::Multipart => bad("Multipart form parse error"),
    })
}

fn unread<E>(error: BodyError<E>) -> Code {
    match error {
        BodyError::TooLarge => Code::PayloadTooLarge,
        BodyError::TimedOut => Code::RequestTimeout,
        BodyError::Broken(_) => Code::BadRequest,
    }
}

/// Names only the place of the error: the parser's message can quote a password.
fn no_json(line: usize, column: usize) -> Error {
    Error::new(Code::BadRequest).with_detail(format!("JSON parse error - line {line}, column {column}"))
}
