//! What a client sends: the media types in its headers, the body within its limits, and the members of the body. Nothing
//! here reads GraphQL.

use std::error::Error;

use async_graphql::{Extensions, Request, Variables};
use axum::{
    body::{Body, HttpBody},
    http::{
        HeaderMap,
        header::{CONTENT_ENCODING, CONTENT_TYPE},
    },
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde_json::Value;

use crate::{EdgeCode, Limits, response::Refusal};

/// The members of a GraphQL request. A member that the specification does not know is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Variables,
    #[serde(default)]
    extensions: Extensions,
}

impl From<Payload> for Request {
    fn from(payload: Payload) -> Self {
        let mut request = Self::new(payload.query).variables(payload.variables);
        // Some clients send an empty name where there is none.
        request.operation_name = payload.operation_name.filter(|name| !name.is_empty());
        request.extensions = payload.extensions;
        request
    }
}

/// Check that the body is JSON by its own account. Anything else could be sent by a form on another site.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let json = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().is_ok_and(is_json),
        _ => false,
    };
    if json && !headers.contains_key(CONTENT_ENCODING) {
        return Ok(());
    }
    Err(Refusal::new(EdgeCode::UnsupportedMediaType, "The body must be application/json in UTF-8."))
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';');
    let json = parts.next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    })
}

/// Read the body, but no more of it and for no longer than allowed.
pub(crate) async fn read(body: Body, limits: &Limits) -> Result<Bytes, Refusal> {
    let too_large =
        || Refusal::new(EdgeCode::PayloadTooLarge, format!("The body is larger than {} bytes.", limits.body_bytes));
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(too_large());
    }
    let reading = Limited::new(body, limits.body_bytes).collect();
    match tokio::time::timeout(limits.body_timeout, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => {
            tracing::debug!(error = &*error as &dyn Error, "a body could not be read");
            Err(Refusal::new(EdgeCode::BadRequest, "The body could not be read."))
        }
        Err(_elapsed) => Err(Refusal::new(EdgeCode::RequestTimeout, "The body did not arrive in time.")),
    }
}

/// Take a body for what it should be: one JSON object with the members of a GraphQL request.
pub(crate) fn decode(body: &[u8]) -> Result<Request, Refusal> {
    // The order of an array's items would do for the names of the members, so the bracket is looked at first.
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(b'[') => return Err(Refusal::new(EdgeCode::BadRequest, "Batching is not supported.")),
        _ => return Err(Refusal::new(EdgeCode::BadRequest, "The body must be a JSON object.")),
    }
    match serde_json::from_slice::<Payload>(body) {
        Ok(payload) => Ok(payload.into()),
        Err(_) => Err(Refusal::new(EdgeCode::BadRequest, complaint(body))),
    }
}

/// What is wrong with a body. The parser's own words would repeat parts of it, which may be secret.
fn complaint(body: &[u8]) -> &'static str {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return "The body is not valid JSON.";
    };
    let wrong =
        |name, fits: fn(&Value) -> bool| members.get(name).is_some_and(|value| !value.is_null() && !fits(value));
    if !members.get("query").is_some_and(Value::is_string) {
        "`query` must be a string."
    } else if wrong("operationName", Value::is_string) {
        "`operationName` must be a string."
    } else if wrong("variables", Value::is_object) {
        "`variables` must be an object."
    } else if wrong("extensions", Value::is_object) {
        "`extensions` must be an object."
    } else {
        "The body is not a GraphQL request."
    }
}
