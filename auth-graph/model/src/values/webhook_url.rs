//! Addresses of webhook endpoints.
//!
//! `egress` checks the IP addresses of a host when it connects.

use sea_orm::DeriveValueType;
use url::Url;

use crate::error::Error;

const LONGEST: usize = 2048;

/// Absolute `http://` or `https://` address without user, password and fragment, in the spelling of the URL Standard,
/// which also normalises IP addresses.
#[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Parses an address.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when requests must not be sent to the address.
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

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the parsed address.
    ///
    /// # Errors
    /// When the stored text is not an address.
    pub fn to_url(&self) -> Result<Url, Error> {
        Url::parse(&self.0).map_err(Error::internal)
    }
}
