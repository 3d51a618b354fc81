//! Search texts of lists.

use std::str::FromStr;

use crate::error::Error;

/// Search text of at most 100 characters without control characters. PostgreSQL does not accept NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part that the fewest users have. Many addresses have the same end, so it is the part before the @ of
    /// an address, and the part before the last dot of a domain.
    #[must_use]
    pub fn rarest(&self) -> &str {
        let text = self.as_str();
        let Some(at) = text.find('@') else { return text };
        let end = match text.rfind('.') {
            _ if is_word(&text[..at]) => at,
            Some(dot) if dot > at && is_word(&text[at + 1..dot]) => dot,
            _ => return text,
        };
        &text[..=end]
    }
}

/// Returns true for a text that ends with three letters or digits. An index of trigrams does not help with fewer.
fn is_word(text: &str) -> bool {
    text.chars().rev().take_while(|character| character.is_alphanumeric()).count() >= 3
}

impl FromStr for SearchText {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is too long or contains a control character.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.chars().count() <= 100 && !text.contains(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid("search", "must have at most 100 characters, and none that is invisible"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_part_tells_as_much_as_can_be_told() {
        for (text, rarest) in [
            ("lovelace", "lovelace"),
            ("ada@example.com", "ada@"),
            ("ada@", "ada@"),
            ("@example.com", "@example."),
            ("a@example.com", "a@example."),
            ("a.b@mail.example.com", "a.b@mail.example."),
            ("@x.com", "@x.com"),
            ("@example", "@example"),
            ("lovelace ada@example", "lovelace ada@"),
            ("é@ümlaut.de", "é@ümlaut."),
        ] {
            assert_eq!(SearchText(text.to_owned()).rarest(), rarest, "{text}");
        }
    }
}
