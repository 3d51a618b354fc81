//! Languages of users.

use std::fmt;
use std::str::FromStr;

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Language tag such as `de` or `de-AT` (RFC 5646): a language, and further parts after hyphens.
#[derive(Clone, Debug, PartialEq, Eq, DeriveValueType, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Locale(String);

impl Locale {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the language without further parts, in lower case.
    #[must_use]
    pub fn language(&self) -> String {
        self.0.split('-').next().unwrap_or_default().to_ascii_lowercase()
    }
}

impl FromStr for Locale {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is not a language tag.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.split('-');
        let language = parts.next().unwrap_or_default();
        let good = (2..=3).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_alphabetic())
            && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            && text.len() <= 35;
        if good { Ok(Self(text.to_owned())) } else { Err(Error::invalid("locale", "is not a language tag such as en")) }
    }
}

impl TryFrom<String> for Locale {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
