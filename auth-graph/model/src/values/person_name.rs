//! The names that people give themselves.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A given or family name, trimmed, may be empty: up to 150 characters, none of them one that nobody sees, as mails are
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

/// Whether a letter controls the text, or how it runs: such a name could look like another, or turn the text around it.
/// The two joiners are not among them, as the names of some languages are written with them.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl FromStr for PersonName {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is longer or holds what nobody sees.
    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.trim();
        if name.chars().count() <= 150 && !name.contains(is_invisible) {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::invalid("name", "must have at most 150 characters, and none that is invisible"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_it_looks_like() {
        for name in ["Ada", "José", "Zoë O’Brien-Smith", "نیک\u{200c}نام", "ක්\u{200d}ෂ", "李 小龍"]
        {
            assert_eq!(name.parse::<PersonName>().unwrap().as_str(), name);
        }
        for name in ["A\u{7}da", "Ada\u{202e}adA", "A\u{200b}da", "\u{2066}Ada", "Ada\u{e0041}", "A\u{feff}da"] {
            assert!(name.parse::<PersonName>().is_err(), "{name:?}");
        }
    }
}
