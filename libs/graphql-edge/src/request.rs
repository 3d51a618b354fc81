//! Reads the input of a client: the media types in its headers, the body within its limits, and the members of the body
//! or of the URL. GraphQL documents are not parsed here.

use std::error::Error;

use async_graphql::{Extensions, Request, Variables, value};
use axum::{
    body::Body,
    extract::Query,
    http::{HeaderMap, Uri},
};
use bytes::Bytes;
use errors::Code;
use http_input::BodyError;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Limits, response::Refusal};

/// The extension with which clients name a document.
pub(crate) const PERSISTED_QUERY: &str = "persistedQuery";

/// The members of a GraphQL request. Unknown members are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload {
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Variables,
    #[serde(default)]
    extensions: Extensions,
    #[serde(default)]
    document_id: Option<String>,
}

impl Payload {
    /// Returns the request, or `None` if it neither contains nor names a document.
    pub(crate) fn into_request(self) -> Option<Request> {
        let mut extensions = self.extensions;
        if let Some(id) = self.document_id {
            // The draft of the specification and Apollo's clients use different forms.
            let hash = id.strip_prefix("sha256:").unwrap_or(&id);
            extensions.insert(PERSISTED_QUERY.to_owned(), value!({ "version": 1, "sha256Hash": hash }));
        }
        if self.query.is_none() && !extensions.contains_key(PERSISTED_QUERY) {
            return None;
        }
        let mut request = Request::new(self.query.unwrap_or_default()).variables(self.variables);
        // Some clients send an empty name instead of none.
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        request.extensions = extensions;
        Some(request)
    }
}

/// The members of a request in the URL of a GET. Two of them are JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
    document_id: Option<String>,
}

/// Reads a request from the parameters of a URL.
pub(crate) fn from_uri(uri: &Uri, limits: &Limits) -> Result<Request, Refusal> {
    if uri.query().is_some_and(|query| query.len() > limits.body_bytes) {
        let message = format!("The parameters are longer than {} bytes.", limits.body_bytes);
        return Err(Refusal::new(Code::PayloadTooLarge, message));
    }
    let bad = |message: &str| Refusal::new(Code::BadRequest, message);
    let Query(parameters) = Query::<Parameters>::try_from_uri(uri)
        .map_err(|_| bad("The parameters of the URL cannot be read, or one occurs twice."))?;
    let payload = Payload {
        query: parameters.query,
        operation_name: parameters.operation_name,
        variables: json(parameters.variables).ok_or_else(|| bad("`variables` must be a JSON object."))?,
        extensions: json(parameters.extensions).ok_or_else(|| bad("`extensions` must be a JSON object."))?,
        document_id: parameters.document_id,
    };
    payload.into_request().ok_or_else(|| bad("There must be a `query`, or a `documentId`."))
}

/// Returns the value of a parameter, or the default if it is missing.
fn json<T: DeserializeOwned + Default>(parameter: Option<String>) -> Option<T> {
    parameter.map_or_else(|| Some(T::default()), |text| serde_json::from_str(&text).ok())
}

/// Checks that the body is JSON according to its headers. A form on another site could send anything else.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    http_input::check_json(headers)
        .map_err(|_| Refusal::new(Code::UnsupportedMediaType, "The body must be application/json in UTF-8."))
}

/// Reads the body within its limits.
pub(crate) async fn read(body: Body, limits: &Limits) -> Result<Bytes, Refusal> {
    let (most, time) = (limits.body_bytes, limits.body_timeout);
    http_input::receive_within(body, most, time).await.map_err(|error| match error {
        BodyError::TooLarge => Refusal::new(Code::PayloadTooLarge, format!("The body is larger than {most} bytes.")),
        BodyError::TimedOut => Refusal::new(Code::RequestTimeout, "The body did not arrive in time."),
        BodyError::Broken(error) => {
            tracing::debug!(error = &error as &dyn Error, "a body could not be read");
            Refusal::new(Code::BadRequest, "The body could not be read.")
        }
    })
}

/// Decodes a body, which must be one JSON object with the members of a GraphQL request.
pub(crate) fn decode(body: &[u8]) -> Result<Request, Refusal> {
    // serde would also accept an array with the members in order, so that the first bracket is checked.
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(b'[') => return Err(Refusal::new(Code::BadRequest, "Batching is not supported.")),
        _ => return Err(Refusal::new(Code::BadRequest, "The body must be a JSON object.")),
    }
    let payload = serde_json::from_slice::<Payload>(body).ok();
    payload.and_then(Payload::into_request).ok_or_else(|| Refusal::new(Code::BadRequest, complaint(body)))
}

/// Returns the message for a malformed body. The message of the parser would repeat parts of the body, which may be
/// secret.
fn complaint(body: &[u8]) -> &'static str {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return "The body is not valid JSON.";
    };
    let wrong =
        |name, fits: fn(&Value) -> bool| members.get(name).is_some_and(|value| !value.is_null() && !fits(value));
    let given = |name| members.get(name).is_some_and(|value: &Value| !value.is_null());
    let named = given("documentId") || members.get("extensions").is_some_and(|all| all.get(PERSISTED_QUERY).is_some());
    if wrong("query", Value::is_string) || !given("query") && !named {
        "`query` must be a string."
    } else if wrong("documentId", Value::is_string) {
        "`documentId` must be a string."
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
