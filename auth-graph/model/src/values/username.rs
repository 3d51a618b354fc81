//! Names that people sign in with in addition to an e-mail address.

use std::fmt;
use std::str::FromStr;

use sea_orm::DeriveValueType;
use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

const LONGEST: usize = 150;

/// Name that a person signs in with: 1 to 150 characters.
///
/// As in Django, it is normalised (NFKC) and then compared exactly: upper and lower case are different. Letters and
/// digits of any script and `_`, `.`, `@`, `+` and `-` are accepted: those of Django's `UnicodeUsernameValidator`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, DeriveValueType)]
pub struct Username(String);

impl Username {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is not such a name.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused =
            || Error::invalid("username", "must have 1 to 150 letters, digits and characters of _.@+-, without blanks");
        // Normalising can make a text longer, many times over.
        if text.len() > 4 * LONGEST {
            return Err(refused());
        }
        let name: String = text.trim().nfkc().collect();
        let allowed = |letter: char| letter.is_alphanumeric() || is_mark(letter) || "_.@+-".contains(letter);
        let good = (1..=LONGEST).contains(&name.chars().count()) && name.chars().all(allowed);
        if good { Ok(Self(name)) } else { Err(refused()) }
    }
}

impl fmt::Display for Username {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns whether a character is written above or below a letter, such as a vowel in Hindi.
fn is_mark(letter: char) -> bool {
    unicode_normalization::char::is_combining_mark(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_case_and_has_one_form() {
        for (text, kept) in [
            ("Ada", "Ada"),
            (" ada ", "ada"),
            ("ada.lovelace+x@home_1-2", "ada.lovelace+x@home_1-2"),
            ("Jose\u{301}", "José"),
            ("ａｄａ", "ada"),
            ("हिन्दी", "हिन्दी"),
        ] {
            assert_eq!(text.parse::<Username>().unwrap().as_str(), kept);
        }
        let long = "a".repeat(151);
        for text in ["", " ", "a b", "a\u{200b}b", "a\u{202e}b", "a\0", "a/b", "<a>", &long] {
            assert!(text.parse::<Username>().is_err(), "{text:?}");
        }
    }
}
