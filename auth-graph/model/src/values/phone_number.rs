//! Phone numbers of users.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Phone number in the form of ITU-T E.164: a plus sign and 7 to 15 digits. Separators between the digits are removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is not such a number.
    fn from_str(text: &str) -> Result<Self, Error> {
        let number: String = text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '(' | ')' | '.')).collect();
        let good = number.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.starts_with('0')
        });
        if good {
            Ok(Self(number))
        } else {
            Err(Error::invalid("phoneNumber", "must be in international form, such as +491701234567"))
        }
    }
}
