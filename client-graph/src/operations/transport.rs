//! Requests to auth-graph: bounded, retried where that is safe, never redirected, and never logged with their bodies.
//!
//! Every reason for a missing or unreadable answer is `UNAVAILABLE`. It says nothing about the caller, who must not be
//! signed out because of it.

use std::time::Duration;

use graphql_client::GraphQLQuery;
use http_input::BodyError;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Body, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::breaker::Breaker;
use crate::error::{Code, Error};
use crate::retry::request_pauses;

pub(crate) const MAX_ANSWER: usize = 4 * 1024 * 1024;
const ACCEPTED: HeaderValue = HeaderValue::from_static("application/graphql-response+json, application/json;q=0.9");

/// The address of auth-graph, and the client that sends requests there.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    pub(crate) graphql_url: Url,
    pub(crate) retries: u32,
    pub(crate) breaker: Breaker,
}

/// Permission to send a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// A second request has the same effect as the first.
    Safe,
    Never,
}

/// The data of an answer, and its headers.
pub(crate) struct Reply<T> {
    pub(crate) data: T,
    pub(crate) headers: HeaderMap,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extensions {
    code: Option<String>,
    #[serde(rename = "retryAfter")]
    retry_after: Option<f64>,
    reason: Option<String>,
    #[serde(rename = "requiredScopes")]
    required_scopes: Vec<String>,
}

impl Transport {
    /// Runs an operation.
    pub(crate) async fn run<Q>(
        &self,
        variables: Q::Variables,
        access_token: Option<&SecretString>,
        headers: &HeaderMap,
        repeat: Repeat,
    ) -> Result<Reply<Q::ResponseData>, Error>
    where
        Q: GraphQLQuery,
        Q::Variables: Serialize,
    {
        let body = serde_json::to_vec(&Q::build_query(variables)).map_err(Error::internal)?;
        let mut headers = headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, ACCEPTED);
        if let Some(token) = access_token {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        answer(self.post(repeat, headers, body).await?).await
    }

    /// Runs an operation that is safe to repeat, given as the body of its request.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        body: &serde_json::Value,
        access_token: &SecretString,
    ) -> Result<T, Error> {
        let response = self.post(Repeat::Safe, authorized(access_token)?, body.to_string().into_bytes()).await?;
        Ok(answer(response).await?.data)
    }

    /// Returns the address of a path of auth-graph, which begins with a slash.
    #[cfg(feature = "proxy")]
    pub(crate) fn beside_graphql(&self, path: &str) -> Url {
        let mut url = self.graphql_url.clone();
        let base = url.path().strip_suffix("/graphql").unwrap_or_default().to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }

    /// Sends a body unchanged.
    pub(crate) async fn post(&self, repeat: Repeat, headers: HeaderMap, body: Vec<u8>) -> Result<Response, Error> {
        let url = &self.graphql_url;
        self.send(repeat, |http| http.post(url.clone()).headers(headers.clone()).body(body.clone())).await
    }

    /// Sends a request, and sends it again where that is safe and may help. While auth-graph does not answer, most
    /// requests fail without being sent.
    pub(crate) async fn send(
        &self,
        repeat: Repeat,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Result<Response, Error> {
        let mut pauses = request_pauses(if repeat == Repeat::Safe { self.retries } else { 0 });
        loop {
            let permit = self.breaker.enter()?;
            let outcome = request(&self.http).send().await;
            match &outcome {
                Ok(response) if !matches!(response.status().as_u16(), 502..=504) => permit.answered(),
                _ => permit.failed(),
            }
            match pauses.next() {
                Some(pause) if worth_repeating(&outcome) => tokio::time::sleep(pause).await,
                _ => return outcome.map_err(Error::unavailable),
            }
        }
    }
}

/// Returns true for a lost connection, or a gateway without a backend. A timeout is not repeated, because the caller
/// would wait twice, nor is a refusal that says when to try again.
fn worth_repeating(outcome: &Result<Response, reqwest::Error>) -> bool {
    match outcome {
        Ok(response) => {
            matches!(response.status().as_u16(), 502..=504) && !response.headers().contains_key(RETRY_AFTER)
        }
        Err(error) => !error.is_timeout() && (error.is_connect() || error.is_request()),
    }
}

/// Returns the headers of an operation that is sent with an access token.
pub(crate) fn authorized(token: &SecretString) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, ACCEPTED);
    headers.insert(AUTHORIZATION, bearer(token)?);
    Ok(headers)
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| Error::new(Code::TokenInvalid))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns the data of an answer, or its error.
pub(crate) async fn answer<T: DeserializeOwned>(response: Response) -> Result<Reply<T>, Error> {
    let status = response.status();
    let headers = response.headers().clone();
    if !is_json(&headers) {
        return Err(by_status(status, &headers));
    }
    let body = bounded_body(response, MAX_ANSWER).await?;
    // The parser's message can quote the body, so it is not kept.
    let envelope: Envelope<T> = serde_json::from_slice(&body).map_err(|_| by_status(status, &headers))?;
    match (envelope.errors.first(), envelope.data) {
        (Some(refusal), _) => Err(refused(refusal, status)),
        (None, Some(data)) if status.is_success() => Ok(Reply { data, headers }),
        (None, _) => Err(by_status(status, &headers)),
    }
}

/// Returns the data of one event of a subscription.
pub(crate) fn data_of<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // The parser's message can quote the body, so it is not kept.
    let unreadable = || Error::unavailable("an event of auth-graph cannot be read");
    let envelope: Envelope<T> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    match (envelope.errors.first(), envelope.data) {
        (Some(refusal), _) => Err(refused(refusal, StatusCode::OK)),
        (None, data) => data.ok_or_else(unreadable),
    }
}

fn refused(refusal: &Refusal, status: StatusCode) -> Error {
    let known = refusal.extensions.code.as_deref().and_then(Code::from_wire);
    let code = match known {
        // Our documents do not fit their schema: the caller cannot do anything about it.
        Some(Code::GraphqlParseFailed | Code::GraphqlValidationFailed | Code::LimitExceeded) => Code::Internal,
        Some(Code::Internal) => Code::Unavailable,
        Some(code) => code,
        None if status.is_server_error() => Code::Unavailable,
        None => Code::Internal,
    };
    let mut error = Error::new(code);
    if let Code::ValidationFailed | Code::Conflict | Code::Forbidden = code {
        error = error.with_detail(refusal.message.chars().take(200).collect::<String>());
    }
    if let (Code::Forbidden, Some(reason)) = (code, &refusal.extensions.reason) {
        error = error.with_reason(reason.clone(), refusal.extensions.required_scopes.clone());
    }
    if known != Some(code) {
        let sent: String = refusal.extensions.code.iter().flat_map(|code| code.chars()).take(64).collect();
        error = error.with_source(format!("auth-graph answered with the code \"{}\"", sent.escape_debug()));
    }
    match refusal.extensions.retry_after {
        Some(seconds) if (0.0..=86_400.0).contains(&seconds) => {
            error.with_retry_after(Duration::from_secs_f64(seconds))
        }
        _ => error,
    }
}

/// Returns the error for an answer that is not GraphQL.
fn by_status(status: StatusCode, headers: &HeaderMap) -> Error {
    let code = if status == StatusCode::TOO_MANY_REQUESTS { Code::RateLimited } else { Code::Unavailable };
    let error = Error::new(code).with_source(format!("auth-graph answered {status} without a readable body"));
    match http_input::retry_after(headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// Returns whether the content type is one of GraphQL answers; parameters such as `charset` are ignored.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    http_input::is_one_of(headers, &["application/json", "application/graphql-response+json"])
}

/// Reads the body of a response, up to a number of bytes.
pub(crate) async fn bounded_body(response: Response, limit: usize) -> Result<Vec<u8>, Error> {
    match http_input::read_at_most(Body::from(response), limit).await {
        Ok(body) => Ok(body.into()),
        Err(BodyError::Broken(error)) => Err(Error::unavailable(error)),
        Err(BodyError::TooLarge | BodyError::TimedOut) => Err(Error::unavailable("the answer is too large")),
    }
}
