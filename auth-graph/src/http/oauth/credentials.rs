//! How a client says who it is: in the `Authorization` header or in the body, never both (RFC 6749 section 2.3).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::SecretString;
use url::form_urlencoded;

use super::form::Form;
use super::refusal::{Kind, Refusal};
use engine::clients::Credentials;

/// Reads the credentials of a request.
///
/// # Errors
/// `invalid_client` when there are none or they can not be read, `invalid_request` when there are two.
pub(super) fn credentials(headers: &HeaderMap, form: &Form) -> Result<Credentials, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let header = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => Some(basic(value.to_str().unwrap_or_default()).ok_or_else(unreadable)?),
        (Some(_), Some(_)) => return Err(twice()),
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

/// RFC 7617, with both parts form-encoded as RFC 6749 section 2.3.1 asks for.
fn basic(value: &str) -> Option<Credentials> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let client_id = form_decoded(id)?;
    let secret = Some(form_decoded(secret)?).filter(|secret| !secret.is_empty()).map(SecretString::from);
    Some(Credentials { client_id, secret })
}

/// None for a text that is more than one value.
fn form_decoded(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        return None;
    }
    Some(form_urlencoded::parse(text.as_bytes()).next().map(|(value, _)| value.into_owned()).unwrap_or_default())
}

fn unreadable() -> Refusal {
    Refusal::new(Kind::InvalidClient, "The client did not say who it is.")
}

fn twice() -> Refusal {
    Refusal::new(Kind::InvalidRequest, "The client says twice who it is.")
}
