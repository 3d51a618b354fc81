//! Languages of users.

use std::fmt;
use std::str::FromStr;

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Language tag such as `de` or `de-AT` (RFC 5646), in the case that section 2.1.1 recommends: `zh-Hant-TW`.
///
/// The names of POSIX, Java and Django are converted: `de_AT.UTF-8`, `sr_RS@latin`. `C` and `POSIX` name no language
/// and are rejected.
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
        let refused = || Error::invalid("locale", "is not a language tag such as en or pt-BR");
        let tag = canonical(text.trim()).ok_or_else(refused)?;
        let mut parts = tag.split('-');
        let language = parts.next().unwrap_or_default();
        let good = (2..=3).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_alphabetic())
            && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            && tag.len() <= 35;
        if good { Ok(Self(tag)) } else { Err(refused()) }
    }
}

/// Returns the tag with hyphens and in the recommended case, or `None` for a POSIX name that has no such form.
fn canonical(text: &str) -> Option<String> {
    if !text.is_ascii() || text.len() > 64 {
        return None;
    }
    let (name, modifier) = text.split_once('@').map_or((text, None), |(name, modifier)| (name, Some(modifier)));
    // The encoding of a POSIX name.
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    let script = match modifier {
        None | Some("euro") => None,
        Some("latin") => Some("Latn"),
        Some("cyrillic") => Some("Cyrl"),
        Some(_) => return None,
    };
    let mut tag = String::new();
    let mut extension = false;
    for (number, part) in name.split(['-', '_']).enumerate() {
        if number > 0 {
            tag.push('-');
        }
        let part = part.to_ascii_lowercase();
        match part.len() {
            2 if number > 0 && !extension => tag.push_str(&part.to_ascii_uppercase()),
            4 if number > 0 && !extension && !part.starts_with(|first: char| first.is_ascii_digit()) => {
                tag.push_str(&part[..1].to_ascii_uppercase());
                tag.push_str(&part[1..]);
            }
            length => {
                extension |= length == 1;
                tag.push_str(&part);
            }
        }
        if let (0, Some(script)) = (number, script) {
            tag.push('-');
            tag.push_str(script);
        }
    }
    Some(tag)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_one_form() {
        for (written, tag) in [
            ("de", "de"),
            ("DE", "de"),
            (" de-at ", "de-AT"),
            ("de_DE", "de-DE"),
            ("de_DE.UTF-8", "de-DE"),
            ("de_DE.utf8", "de-DE"),
            ("de_DE@euro", "de-DE"),
            ("de_DE.ISO-8859-15@euro", "de-DE"),
            ("sr_RS@latin", "sr-Latn-RS"),
            ("sr_RS.UTF-8@cyrillic", "sr-Cyrl-RS"),
            ("ZH_HANT_TW", "zh-Hant-TW"),
            ("zh-hans", "zh-Hans"),
            ("es_419", "es-419"),
            ("PT-br", "pt-BR"),
            ("sl-ROZAJ-biske", "sl-rozaj-biske"),
            ("de-1901", "de-1901"),
            ("de-CH-1996", "de-CH-1996"),
            ("en-US-U-CA-GREGORY", "en-US-u-ca-gregory"),
            ("en-x-TWAIN-us", "en-x-twain-us"),
            ("fil", "fil"),
        ] {
            assert_eq!(written.parse::<Locale>().ok(), Some(Locale(tag.to_owned())), "{written}");
            assert_eq!(tag.parse::<Locale>().unwrap().as_str(), tag, "the form is kept");
        }
    }

    #[test]
    fn what_names_no_language_is_rejected() {
        for written in [
            "",
            "C",
            "POSIX",
            "C.UTF-8",
            "C_UTF-8",
            "en-",
            "-en",
            "_",
            "en__US",
            "en-US,en;q=0.9",
            "English",
            "de_DE@unknown",
            "d\u{131}",
            "en US",
            "12",
            ".UTF-8",
            "@latin",
            "zh_TW_#Hant",
        ] {
            assert!(written.parse::<Locale>().is_err(), "{written}");
        }
    }
}
