//! The parameters of a request: form-encoded, in the body, each at most once (RFC 6749 section 3.2).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use url::form_urlencoded;

use super::refusal::{Kind, Refusal};

/// More than the longest token and its parameters need.
const LARGEST: usize = 16 * 1024;
/// A body that takes longer than this is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The parameters. It has no `Debug`, as they hold secrets.
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads the body.
    ///
    /// # Errors
    /// `invalid_request` when it is something else, too large, or says a thing twice.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Refusal> {
        if !is_form(headers) {
            let what = "The body must be application/x-www-form-urlencoded.";
            return Err(Refusal::new(Kind::InvalidRequest, what));
        }
        let bytes = match tokio::time::timeout(PATIENCE, to_bytes(body, LARGEST)).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => return Err(Refusal::new(Kind::TooLarge, "The body is larger than 16 KiB, or broke off.")),
            Err(_elapsed) => return Err(Refusal::new(Kind::InvalidRequest, "The body did not arrive in time.")),
        };
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(&bytes) {
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

fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") && !headers.contains_key(CONTENT_ENCODING)
}
