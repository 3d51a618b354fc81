//! Names of people.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

/// Trimmed given or family name of at most 150 visible characters, in the normal form NFC. It may be empty. Mails
/// contain it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonName(String);

impl PersonName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Returns true for a character that controls the text or its direction. A name with it could resemble another name, or
/// reverse the text around it. The two joiners are permitted, because names of some languages need them.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl FromStr for PersonName {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is too long or contains an invisible character.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::invalid("name", "must have at most 150 characters, and none that is invisible");
        // Normalising a long text takes long.
        if text.len() > 4096 {
            return Err(refused());
        }
        let name: String = text.trim().nfc().collect();
        if name.chars().count() <= 150 && !name.contains(is_invisible) { Ok(Self(name)) } else { Err(refused()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_stored_in_one_form() {
        let composed = "Özge".parse::<PersonName>().unwrap();
        assert_eq!("O\u{308}zge".parse::<PersonName>().unwrap(), composed);
        assert_eq!(" \u{d6}zge\u{a0}".parse::<PersonName>().unwrap(), composed);
    }

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
