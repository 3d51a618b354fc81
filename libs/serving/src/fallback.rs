//! Responses for an unknown path, an unknown method, and a handler that panicked or took too long. They have the form
//! of a GraphQL response, like most responses of both services.

use std::any::Any;

use axum::Router;
use axum::body::HttpBody;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::json;

/// Adds each of these paths with a slash too many or too few at its end. The answer is 404 and names the right path.
pub fn hint_at<S: Clone + Send + Sync + 'static>(router: Router<S>, paths: &[&'static str]) -> Router<S> {
    paths.iter().fold(router, |router, path| {
        let wrong = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
        let message = format!("There is nothing at this path. Did you mean {path}?");
        let answer = (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "application/json")], body(("NOT_FOUND", &message)));
        router.route(&wrong, any(async move || answer.clone()))
    })
}

/// Builds the response to a request whose header `Host` is missing, repeated or malformed (RFC 9112 section 3.2).
pub(crate) fn without_host() -> Response {
    let words = ("BAD_REQUEST", "The request must have one header Host with the name of this service.");
    let headers = [(CONTENT_TYPE, "application/json"), (CONNECTION, "close")];
    (StatusCode::BAD_REQUEST, headers, body(words)).into_response()
}

/// Adds a body to a response of axum itself, which consists of the status only.
pub(crate) fn worded(response: Response) -> Response {
    let words = match response.status() {
        StatusCode::NOT_FOUND => ("NOT_FOUND", "There is nothing at this path."),
        StatusCode::METHOD_NOT_ALLOWED => ("METHOD_NOT_ALLOWED", "This path has no such method."),
        _ => return response,
    };
    if response.headers().contains_key(CONTENT_TYPE) || !response.body().is_end_stream() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (parts, body(words)).into_response()
}

/// Builds the response for a handler that panicked.
pub(crate) fn panicked(id: &str, panic: &(dyn Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(id, message, "a handler panicked");
    let words = ("INTERNAL", "Something went wrong on our side.");
    (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "application/json")], body(words)).into_response()
}

/// Builds the response for a request that was not answered in time, for example because the database does not answer.
pub(crate) fn late() -> Response {
    let words = ("UNAVAILABLE", "The request took too long. Try again later.");
    let headers = [(CONTENT_TYPE, "application/json"), (RETRY_AFTER, "1")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, body(words)).into_response()
}

fn body((code, message): (&str, &str)) -> String {
    json!({ "errors": [{ "message": message, "extensions": { "code": code } }] }).to_string()
}
