//! Phone numbers of users.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

/// Phone number in the form of ITU-T E.164: a plus sign and 7 to 15 digits.
///
/// People write more than that: separators, `00` in place of the plus sign, and a zero in brackets that is dialled only
/// within the country. All of it is removed. A number that could be read in two ways is rejected.
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
        let refused = || Error::invalid("phoneNumber", "must be in international form, such as +491701234567");
        if text.len() > 256 {
            return Err(refused());
        }
        let plain: String = text.nfkc().filter(|letter| !is_separator(*letter)).map(western).collect();
        let digits = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00")).ok_or_else(refused)?;
        let (country, national) = split(digits).ok_or_else(refused)?;
        let national = match national.strip_prefix("(0)") {
            Some(rest) if keeps_zero(country) => format!("0{rest}"),
            Some(rest) => rest.to_owned(),
            None => national.to_owned(),
        };
        let national = national.replace(['(', ')'], "");
        if national.starts_with('0') && !keeps_zero(country) {
            return Err(Error::invalid("phoneNumber", "must not have a 0 after the code of the country"));
        }
        let digits = format!("{country}{national}");
        let good = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if good { Ok(Self(format!("+{digits}"))) } else { Err(refused()) }
    }
}

/// Returns true for what separates digits. Telephones and address books surround numbers with marks of direction.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '-' | '.' | '/' | '\u{ad}' | '\u{b7}' | '\u{2212}' | '\u{2010}'..='\u{2015}')
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Returns the ASCII digit in place of an Arabic or Persian one.
fn western(letter: char) -> char {
    match letter {
        '\u{660}'..='\u{669}' => char::from_digit(u32::from(letter) - 0x660, 10),
        '\u{6f0}'..='\u{6f9}' => char::from_digit(u32::from(letter) - 0x6f0, 10),
        _ => None,
    }
    .unwrap_or(letter)
}

/// Splits a number behind the code of the country, whose first digits tell its length (ITU-T E.164).
fn split(digits: &str) -> Option<(&str, &str)> {
    const TWO: [&str; 44] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
        "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
        "86", "90", "91", "92", "93", "94", "95", "98",
    ];
    let length = match digits.get(..2)? {
        first if first.starts_with(['1', '7']) => 1,
        first if TWO.contains(&first) => 2,
        _ => 3,
    };
    let (country, national) = digits.split_at_checked(length)?;
    let good = !country.starts_with('0') && country.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some((country, national))
}

/// Returns true for a country whose numbers begin with a zero that is dialled from abroad too: Italy, San Marino, Ivory
/// Coast, Benin, Gabon and the Congo.
fn keeps_zero(country: &str) -> bool {
    matches!(country, "39" | "378" | "225" | "229" | "241" | "242")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_understood_as_people_write_them() {
        for (written, number) in [
            ("+491701234567", "+491701234567"),
            ("+44 20 7946 0958", "+442079460958"),
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+44 (0) 20 7946-0958", "+442079460958"),
            ("+44(0)2079460958", "+442079460958"),
            ("+44 (20) 7946 0958", "+442079460958"),
            ("+49 (0)209/123-456", "+49209123456"),
            ("+49.209.123456", "+49209123456"),
            ("+49 (209) 123456", "+49209123456"),
            ("0049 170 1234567", "+491701234567"),
            ("00 49 (0) 170 1234567", "+491701234567"),
            ("＋４９　１７０　１２３４５６７", "+491701234567"),
            ("\u{202a}+49\u{a0}170\u{202f}1234567\u{202c}", "+491701234567"),
            ("+49‑170–1234567", "+491701234567"),
            ("+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "+966501234567"),
            ("+۹۸ ۹۱۲ ۳۴۵ ۶۷۸۹", "+989123456789"),
            ("+1 (212) 555-0123", "+12125550123"),
            ("+7 (495) 123-45-67", "+74951234567"),
            ("+39 06 1234 5678", "+390612345678"),
            ("+39 (06) 1234 5678", "+390612345678"),
            ("+39 (0)6 1234 5678", "+390612345678"),
            ("+225 01 23 45 67 89", "+2250123456789"),
            ("+353 1 234 5678", "+35312345678"),
            ("+353 (0)1 234 5678", "+35312345678"),
        ] {
            assert_eq!(written.parse::<PhoneNumber>().ok(), Some(PhoneNumber(number.to_owned())), "{written}");
        }
    }

    #[test]
    fn a_number_that_is_unclear_is_rejected() {
        for written in [
            "",
            "+",
            "0170 1234567",
            "020 7946 0958",
            "44 20 7946 0958",
            "+44 020 7946 0958",
            "+44 (020) 7946 0958",
            "+44 00 20 7946 0958",
            "+44 (0)(0)20 7946 0958",
            "+44 (0)020 7946 0958",
            "+36 (06) 30 123 4567",
            "+0 20 7946 0958",
            "000491701234567",
            "+49 170 1234567 x12",
            "+49 170 1234567;ext=12",
            "+49 170 1234567, +49 170 7654321",
            "++491701234567",
            "+49+1701234567",
            "+49 170 12345678901234",
            "+49 17",
            "+1-800-FLOWERS",
            "+४९ १७०",
        ] {
            assert!(written.parse::<PhoneNumber>().is_err(), "{written}");
        }
    }
}
