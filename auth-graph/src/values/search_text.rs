//! What somebody looks for in a list.

use std::str::FromStr;

use crate::error::Error;

/// Up to 100 characters, none of them a control character: PostgreSQL stores no NUL, and a person types none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SearchText {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is longer or holds a control character.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.chars().count() <= 100 && !text.contains(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid("search", "must have at most 100 characters, and none that is invisible"))
        }
    }
}
