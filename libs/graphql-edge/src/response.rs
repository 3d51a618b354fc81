//! Builds the response to a client: a code on every error, the media type that the client requested, and the status of
//! the specification "GraphQL over HTTP".

mod accept;

use std::time::Duration;

use async_graphql::{Response, ServerError, Value};
use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
    response::Response as HttpResponse,
};
use bytes::Bytes;
use errors::{Code, Reason};
use serde::Serialize;

pub(crate) use self::accept::Accepted;

/// The two media types of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// `application/json`: the status does not depend on the result.
    Json,
    /// `application/graphql-response+json`: a request that was not executed has an error status.
    GraphqlResponse,
}

impl MediaType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// The stage that an operation has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The operation was rejected before its execution. The response has no `data`, not even null.
    Refused,
    /// The operation was executed, possibly with errors.
    Executed,
}

/// A request that was rejected before its document was read.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: Code,
    message: String,
    reason: Option<Reason>,
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), reason: None }
    }

    /// Builds a refusal with the code `FORBIDDEN`.
    pub(crate) fn because(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::new(Code::Forbidden, reason.message()) }
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn method() -> Self {
        Self::new(Code::MethodNotAllowed, "Send a POST request.")
    }

    pub(crate) fn into_http(self, media_type: MediaType) -> HttpResponse {
        let mut error = error(self.code, self.message);
        if let Some(reason) = self.reason {
            error.extensions.get_or_insert_default().set("reason", reason.as_str());
        }
        let mut response = Response::from_errors(vec![error]);
        let mut answer = into_http(&mut response, Stage::Refused, media_type);
        *answer.status_mut() = status(self.code);
        if self.code == Code::MethodNotAllowed {
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        answer
    }
}

/// Returns the HTTP status of a code. A GraphQL response does not always have it: see [`crate::Edge::post`].
fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).expect("the table of codes contains valid statuses")
}

/// Builds an error with a code.
pub(crate) fn error(code: Code, message: impl Into<String>) -> ServerError {
    with_code(ServerError::new(message, None), code)
}

/// Adds a code to an error, and keeps its other members.
pub(crate) fn with_code(mut error: ServerError, code: Code) -> ServerError {
    error.extensions.get_or_insert_default().set("code", code.as_str());
    error
}

/// Returns the code of an error that has one.
pub(crate) fn code_of(error: &ServerError) -> Code {
    name_of_code(error).and_then(Code::from_wire).unwrap_or(Code::BadRequest)
}

/// Returns the code of an error as it is sent. A service may have codes of its own.
pub(crate) fn name_of_code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code") {
        Some(Value::String(code)) => Some(code),
        _ => None,
    }
}

/// Maximum number of errors in the response to a rejected request. A document may have a thousand unknown fields.
const MOST_ERRORS: usize = 20;

/// Adds a code to every error without one, and returns the stage that the operation reached.
pub(crate) fn complete(response: &mut Response) -> Stage {
    if response.errors.is_empty() {
        return Stage::Executed;
    }
    let refused = response.data == Value::Null && response.errors.iter().all(|error| error.path.is_empty());
    let stage = if refused { Stage::Refused } else { Stage::Executed };
    if refused {
        response.errors.truncate(MOST_ERRORS);
    }
    for error in &mut response.errors {
        if error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some()) {
            continue;
        }
        let code = match stage {
            Stage::Refused if is_limit(&error.message) => Code::LimitExceeded,
            Stage::Refused => Code::GraphqlValidationFailed,
            Stage::Executed if is_internal(error) => {
                tracing::error!(path = ?error.path, message = %error.message, "a resolver failed with an error without a code");
                error.message = "Internal error".to_owned();
                Code::Internal
            }
            Stage::Executed => Code::ValidationFailed,
        };
        error.extensions.get_or_insert_default().set("code", code.as_str());
    }
    stage
}

/// Builds the HTTP response, including headers that resolvers have set.
pub(crate) fn into_http(response: &mut Response, stage: Stage, media_type: MediaType) -> HttpResponse {
    let mut answer = written(encode(response, stage).into(), media_type);
    if (stage, media_type) == (Stage::Refused, MediaType::GraphqlResponse) {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
    }
    if !response.http_headers.is_empty() {
        let own = std::mem::replace(answer.headers_mut(), std::mem::take(&mut response.http_headers));
        answer.headers_mut().extend(own);
    }
    answer
}

/// Builds the HTTP response with this text.
pub(crate) fn written(text: Bytes, media_type: MediaType) -> HttpResponse {
    let mut answer = HttpResponse::new(Body::from(text));
    // Services add headers, and growing the map costs more than everything else here.
    *answer.headers_mut() = HeaderMap::with_capacity(8);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type.as_str()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Answers a request with another method than POST: 405 with `Allow: POST`. Use it as the fallback of the route.
pub async fn method_not_allowed() -> HttpResponse {
    Refusal::method().into_http(MediaType::Json)
}

/// Answers a request for one WebSocket too many: 429 with `RATE_LIMITED`, and the seconds to wait.
pub fn too_many_sockets(retry_after: Duration) -> HttpResponse {
    let message = "Too many WebSockets of callers that are not signed in are open from this network.";
    let seconds = errors::retry_after_seconds(retry_after);
    let mut error = error(Code::RateLimited, message);
    error.extensions.get_or_insert_default().set("retryAfter", seconds);
    let mut answer = into_http(&mut Response::from_errors(vec![error]), Stage::Refused, MediaType::Json);
    *answer.status_mut() = status(Code::RateLimited);
    answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    answer
}

/// Encodes a response as JSON.
pub(crate) fn encode(response: &Response, stage: Stage) -> Vec<u8> {
    /// A response without the `data` that async-graphql writes for rejected requests.
    #[derive(Serialize)]
    struct Answer<'a> {
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        errors: &'a [ServerError],
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a Value>,
        #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
        extensions: &'a std::collections::BTreeMap<String, Value>,
    }
    let answer = Answer {
        errors: &response.errors,
        data: (stage == Stage::Executed).then_some(&response.data),
        extensions: &response.extensions,
    };
    serde_json::to_vec(&answer).expect("a GraphQL value has string keys and writes to memory")
}

/// Returns whether a message of async-graphql reports an exceeded limit. Such errors have no other mark.
fn is_limit(message: &str) -> bool {
    message == "Query is too complex."
        || message == "Query is nested too deep."
        || message.starts_with("The number of directives on the field ")
        || message.starts_with("The recursion depth of the query ")
}

/// Returns whether an error is internal. In a resolver, `?` converts any error to one for the caller, with its text.
/// Errors for the caller have a code, and those of async-graphql itself (an invalid argument or cursor) are made from
/// text.
fn is_internal(error: &ServerError) -> bool {
    error.source.as_ref().is_some_and(|source| !source.is::<String>() && !source.is::<&'static str>())
}
