//! Credentials of a client, in the `Authorization` header or in the body, but not in both (RFC 6749 section 2.3).

use axum::http::HeaderMap;
use http_input::{Basic, Repeated};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::form::Form;
use super::refusal::{Kind, Refusal};
use engine::clients::Credentials;

/// Reads the credentials of a request.
///
/// # Errors
/// `invalid_client` when they are missing or malformed, `invalid_request` when they are sent twice.
pub(in crate::http) fn credentials(headers: &HeaderMap, form: &Form) -> Result<Credentials, Refusal> {
    let header = match Basic::of(headers) {
        Ok(None) => None,
        Ok(Some(basic)) => Some(basic.and_then(|basic| decoded(&basic)).ok_or_else(unreadable)?),
        Err(Repeated) => return Err(twice()),
    };
    let (id, secret) = (form.optional("client_id"), form.optional("client_secret"));
    match (header, id) {
        (Some(_), _) if secret.is_some() => Err(twice()),
        // The identifier alone proves nothing, and may be repeated.
        (Some(header), Some(id)) if header.client_id != id => Err(twice()),
        (Some(header), _) => Ok(header),
        (None, Some(id)) => Ok(Credentials { client_id: id.to_owned(), secret: secret.map(SecretString::from) }),
        (None, None) => Err(unreadable()),
    }
}

/// Decodes both parts, which are form-encoded (RFC 6749 section 2.3.1).
fn decoded(basic: &Basic) -> Option<Credentials> {
    let client_id = form_decoded(&basic.user)?;
    let secret =
        Some(form_decoded(basic.password.expose_secret())?).filter(|secret| !secret.is_empty()).map(SecretString::from);
    Some(Credentials { client_id, secret })
}

/// Decodes one form-encoded value.
fn form_decoded(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        return None;
    }
    Some(form_urlencoded::parse(text.as_bytes()).next().map(|(value, _)| value.into_owned()).unwrap_or_default())
}

fn unreadable() -> Refusal {
    Refusal::new(Kind::InvalidClient, "The request has no client credentials.")
}

fn twice() -> Refusal {
    Refusal::new(Kind::InvalidRequest, "The request has client credentials in the header and in the body.")
}
