//! E-mail addresses, in the one form in which they are stored and compared.

use std::fmt;
use std::str::FromStr;

use sea_orm::DeriveValueType;

use crate::error::Error;

/// An e-mail address: trimmed, in lower case, ASCII, at most 254 characters (RFC 5321 section 4.5.3.1).
///
/// An address in another script is refused rather than normalised, as two that look alike could then be two accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, DeriveValueType)]
pub struct Email(String);

impl Email {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is not such an address.
    fn from_str(text: &str) -> Result<Self, Error> {
        let address = text.trim().to_ascii_lowercase();
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
        let good = address.len() <= 254
            && address
                .split_once('@')
                .is_some_and(|(local, domain)| local.len() <= 64 && plain(local) && plain(domain));
        if good { Ok(Self(address)) } else { Err(Error::invalid("email", "is not an e-mail address")) }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
