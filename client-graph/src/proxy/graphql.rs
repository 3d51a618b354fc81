//! `POST /auth/graphql`: auth-graph's operations for signing in and for one's own account, and only those.
//!
//! The document is read as auth-graph reads it, within the same limits, and the parsed request is forwarded instead of
//! the original body: both sides read the same.

use std::collections::HashSet;

use async_graphql::Positioned;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use graphql_edge::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Proxy, body, fields, pass_back};
use crate::error::{Code, Error, Reason, problem};
use crate::operations::{Repeat, bounded_body, is_json};

const MAX_ANSWER: usize = 1024 * 1024;

/// A request of GraphQL over HTTP. Extensions are not forwarded, because they could name another document.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct GraphqlRequest {
    query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_name: Option<String>,
}

pub(super) async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut headers = proxy.forwarded(&parts);
    for accepted in parts.headers.get_all(header::ACCEPT) {
        headers.append(header::ACCEPT, accepted.clone());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let outcome = async {
        let request: GraphqlRequest = body::read(&parts, body).await?;
        let chosen = check(&request)?;
        // Each value is forwarded: auth-graph says what is wrong with several.
        for token in parts.headers.get_all(header::AUTHORIZATION).iter().filter(|_| chosen.is_own) {
            headers.append(header::AUTHORIZATION, token.clone());
        }
        let body = serde_json::to_vec(&request).map_err(Error::internal)?;
        let answer = proxy.auth.transport().post(Repeat::Never, headers, body).await?;
        if !is_json(answer.headers()) {
            return Err(Error::unavailable(format!("auth-graph answered {} without GraphQL", answer.status())));
        }
        let (status, answer_headers) = (answer.status(), answer.headers().clone());
        let answer = bounded_body(answer, MAX_ANSWER).await?;
        if chosen.ends_session && is_success(&answer) {
            proxy.end_session_of_caller(&parts.headers).await;
        }
        Ok(response(status, &answer_headers, answer))
    };
    outcome.await.unwrap_or_else(|error| refusal(&error))
}

pub(super) async fn method_not_allowed() -> Response {
    let mut response = refusal(&Code::MethodNotAllowed.into());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

fn response(status: StatusCode, headers: &HeaderMap, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for name in [header::CONTENT_TYPE, header::RETRY_AFTER] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    pass_back(headers, response.headers_mut());
    response
}

/// Builds the response for an error in the form of GraphQL, with its status and headers.
fn refusal(error: &Error) -> Response {
    let mut extensions = json!({ "code": error.code().as_str() });
    if let Some(seconds) = error.retry_after_seconds() {
        extensions["retryAfter"] = json!(seconds);
    }
    if let Some(reason) = error.reason() {
        extensions["reason"] = json!(reason);
    }
    let body = json!({ "errors": [{ "message": error.to_string(), "extensions": extensions }] });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = problem::status(error);
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    problem::add_headers(error, response.headers_mut());
    response
}

/// The operation of a document that is executed.
struct Chosen {
    /// True if it is about the caller's own account.
    is_own: bool,
    /// True if it ends the session of the caller.
    ends_session: bool,
}

/// Rejects a document with any other operation than those that are forwarded.
fn check(request: &GraphqlRequest) -> Result<Chosen, Error> {
    // Only the code: a message can quote the document, which may hold a password.
    let document = graphql_edge::parse(&request.query, &Limits::default()).map_err(Error::from)?;
    for (_, operation) in document.operations.iter() {
        let is_subscription = operation.node.ty == OperationType::Subscription;
        if is_subscription || !root_fields(&document, operation).all(fields::is_forwarded) {
            return Err(Error::forbidden(Reason::NotPublic));
        }
    }
    let chosen = match (&document.operations, &request.operation_name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name.as_str()),
        (DocumentOperations::Multiple(operations), None) => operations.values().next(),
    };
    let has = |wanted: fn(&str) -> bool| chosen.is_some_and(|operation| root_fields(&document, operation).any(wanted));
    Ok(Chosen { is_own: has(fields::is_own), ends_session: has(fields::ends_session) })
}

/// Returns the fields at the root of an operation, with fragments expanded. Each fragment is expanded once, so that
/// circular fragments end. An unknown fragment counts as a forbidden field.
fn root_fields<'a>(
    document: &'a ExecutableDocument,
    operation: &'a Positioned<OperationDefinition>,
) -> impl Iterator<Item = &'a str> {
    let mut fields = Vec::new();
    let mut seen = HashSet::new();
    let mut waiting: Vec<&SelectionSet> = vec![&operation.node.selection_set.node];
    while let Some(set) = waiting.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => fields.push(field.node.name.node.as_str()),
                Selection::InlineFragment(fragment) => waiting.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    match document.fragments.get(name) {
                        Some(fragment) if seen.insert(name) => waiting.push(&fragment.node.selection_set.node),
                        Some(_) => {}
                        None => fields.push("an unknown fragment"),
                    }
                }
            }
        }
    }
    fields.into_iter()
}

fn is_success(answer: &[u8]) -> bool {
    serde_json::from_slice::<Value>(answer)
        .is_ok_and(|answer| answer["data"].is_object() && answer.get("errors").is_none_or(Value::is_null))
}
