//! Parameters of a request: form-encoded, in the body, each at most once (RFC 6749 section 3.2).

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::HeaderMap;
use bytes::Bytes;
use http_input::{BodyError, Unsupported};
use url::form_urlencoded;

use super::refusal::{Kind, Refusal};

/// Maximum length of a body, which is more than the longest token and its parameters need.
const LARGEST: usize = 16 * 1024;

/// Reads the body of a form request.
///
/// # Errors
/// `invalid_request` when it is something else or too large.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    http_input::check_form(headers).map_err(|unsupported| match unsupported {
        Unsupported::ContentCoding => Refusal::new(Kind::ContentCoding, "The body must not be compressed."),
        Unsupported::MediaType | Unsupported::Charset => {
            Refusal::new(Kind::InvalidRequest, "The body must be application/x-www-form-urlencoded.")
        }
    })?;
    http_input::receive(body, LARGEST).await.map_err(|error| match error {
        BodyError::TooLarge => Refusal::new(Kind::TooLarge, "The body is larger than 16 KiB."),
        BodyError::TimedOut => Refusal::new(Kind::InvalidRequest, "The body did not arrive in time."),
        BodyError::Broken(_) => Refusal::new(Kind::InvalidRequest, "The body could not be read."),
    })
}

/// Parameters of a request. The type does not implement `Debug`, because they contain secrets.
pub(in crate::http) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads the parameters of a body.
    ///
    /// # Errors
    /// `invalid_request` when the body is not UTF-8, or a parameter occurs twice.
    pub(in crate::http) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let Ok(text) = str::from_utf8(body) else {
            return Err(Refusal::new(Kind::InvalidRequest, "The body is not UTF-8."));
        };
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Refusal::new(Kind::InvalidRequest, "A parameter occurs twice."));
            }
        }
        Ok(Self(parameters))
    }

    /// Returns a parameter. One without a value counts as missing (RFC 6749 section 3.2).
    pub(in crate::http) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns a parameter that must be present.
    ///
    /// # Errors
    /// `invalid_request` when it is missing.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.optional(name).ok_or_else(|| Refusal::new(Kind::InvalidRequest, format!("{name} is missing.")))
    }
}
