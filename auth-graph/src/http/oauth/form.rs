//! The parameters of a request: form-encoded, in the body, each at most once (RFC 6749 section 3.2).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::refusal::{Kind, Refusal};

/// More than the longest token and its parameters need.
const LARGEST: usize = 16 * 1024;
/// A body that takes longer than this is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the body of a request that says it is a form.
///
/// # Errors
/// `invalid_request` when it is something else or too large.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    if !is_form(headers) {
        let what = "The body must be application/x-www-form-urlencoded.";
        return Err(Refusal::new(Kind::InvalidRequest, what));
    }
    match tokio::time::timeout(PATIENCE, to_bytes(body, LARGEST)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Refusal::new(Kind::TooLarge, "The body is larger than 16 KiB, or broke off.")),
        Err(_elapsed) => Err(Refusal::new(Kind::InvalidRequest, "The body did not arrive in time.")),
    }
}

/// The parameters. It has no `Debug`, as they hold secrets.
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// The parameters of a body.
    ///
    /// # Errors
    /// `invalid_request` when it is no text, or says a thing twice.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let Ok(text) = str::from_utf8(body) else {
            return Err(Refusal::new(Kind::InvalidRequest, "The body is not UTF-8."));
        };
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs(text) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Refusal::new(Kind::InvalidRequest, "A parameter is there twice."));
            }
        }
        Ok(Self(parameters))
    }

    /// A parameter. One without a value counts as left out (RFC 6749 section 3.2).
    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// `invalid_request` when it is not.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.optional(name).ok_or_else(|| Refusal::new(Kind::InvalidRequest, format!("{name} is missing.")))
    }
}

/// The pairs of a form (URL standard, section 5.1).
fn pairs(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

/// Tokens, identifiers and secrets stand there as they are, so that most of a form need only be cut out.
fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('%') || text.contains('+') {
        percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned().into()
    } else {
        text.into()
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") && !headers.contains_key(CONTENT_ENCODING)
}

#[cfg(test)]
mod tests {
    use url::form_urlencoded;

    use super::*;

    #[test]
    fn pairs_are_those_that_the_standard_names() {
        for form in ["", "a", "a=", "=b", "a=b=c", "&&a=b&", "a+b=c%20d%2B&e=%C3%A4", "%61=%zz%2", "%ff=é", "a=b&a=c"]
        {
            let expected: Vec<_> = form_urlencoded::parse(form.as_bytes()).collect();
            assert_eq!(pairs(form).collect::<Vec<_>>(), expected, "{form}");
        }
    }
}
