//! What a request shows of its caller: the token, the device.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use secrecy::SecretString;

use crate::graphql::Caller;
use engine::app::App;
use engine::callers::{Device, Refusal};

/// The longest `User-Agent` that is kept.
const USER_AGENT_LENGTH: usize = 256;

/// What the `Authorization` header holds.
pub(super) enum Bearer {
    /// Nothing that is for us: none, or another scheme.
    None,
    /// A token.
    Token(SecretString),
    /// It says `Bearer` and breaks the syntax of RFC 6750 section 2.1.
    Malformed,
}

/// Reads the header; two of them are no clearer than a broken one.
pub(super) fn bearer(headers: &HeaderMap) -> Bearer {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Bearer::None,
        (Some(value), None) => value.to_str().map_or(Bearer::Malformed, bearer_value),
        (Some(_), Some(_)) => Bearer::Malformed,
    }
}

/// Reads the value of the header.
pub(super) fn bearer_value(value: &str) -> Bearer {
    let (scheme, token) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Bearer::None;
    }
    match token.trim() {
        token if token.is_empty() || token.contains(char::is_whitespace) => Bearer::Malformed,
        token => Bearer::Token(token.into()),
    }
}

/// The caller that the `Authorization` header names.
pub(super) async fn identify(app: &App, bearer: Bearer) -> Caller {
    let token: Option<SecretString> = match bearer {
        Bearer::None => None,
        Bearer::Token(token) => Some(token),
        Bearer::Malformed => return Caller::Refused(Refusal::Invalid),
    };
    Caller::identify(app, token).await
}

/// The device that a request comes from.
pub(super) fn device(app: &App, parts: &Parts) -> Device {
    let user_agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Device {
        address: serving::client_address(&app.config.server.trusted_proxies, parts),
        user_agent: user_agent.map(|agent| agent.chars().take(USER_AGENT_LENGTH).collect()),
        request_id: parts.extensions.get::<serving::RequestId>().map(|id| id.as_str().to_owned()),
    }
}
