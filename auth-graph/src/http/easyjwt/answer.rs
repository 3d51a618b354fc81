//! The answer of a path: a body in JSON, which nobody may store, or a refusal.

use axum::Json;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::refusal::Refusal;

pub(in crate::http) type Answer = Result<Response, Refusal>;

pub(in crate::http) fn answer(body: Value) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
