//! The addresses of webhook endpoints.
//!
//! What a name in one resolves to is looked at when a connection is made, in `egress`.

use sea_orm::DeriveValueType;
use url::Url;

use crate::error::Error;

const LONGEST: usize = 2048;

/// An absolute `http://` or `https://` address without user, password and fragment, in the spelling of the URL
/// Standard: an IP address in any odd spelling has become the usual one.
#[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when it is none that requests may be sent to.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |message: &str| Error::invalid("url", message);
        let url = Url::parse(text.trim()).map_err(|_| invalid("is not a URL"))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(invalid("must be https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("must have no user and no password: requests are signed"));
        }
        if url.fragment().is_some() || url.as_str().len() > LONGEST {
            return Err(invalid("must have no fragment and at most 2048 characters"));
        }
        Ok(Self(url.into()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address in its parts.
    ///
    /// # Errors
    /// When what was stored is no address.
    pub fn to_url(&self) -> Result<Url, Error> {
        Url::parse(&self.0).map_err(Error::internal)
    }
}
