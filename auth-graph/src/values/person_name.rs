//! The names that people give themselves.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A given or family name, trimmed, may be empty: up to 150 characters, none of them a control character, as mails are
/// addressed with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonName(String);

impl PersonName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FromStr for PersonName {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is longer or holds a control character.
    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.trim();
        if name.chars().count() <= 150 && !name.contains(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::invalid("name", "must have at most 150 characters, and none that is invisible"))
        }
    }
}
