//! E-mail addresses, in the one form in which they are stored and compared.

use std::fmt;
use std::str::FromStr;

use sea_orm::DeriveValueType;
use unicode_normalization::UnicodeNormalization;

use super::UserId;
use crate::error::Error;

/// The domain of those who have no address any more. No mail gets there (RFC 6761 section 6.4).
const NOWHERE: &str = "deleted.invalid";

/// An e-mail address: normalised (NFKC), trimmed, in lower case, and then a dot-atom and a host name in ASCII, at most
/// 254 characters (RFC 5321 section 4.5.3.1, RFC 5322 section 3.4.1).
///
/// It is normalised before it is looked at, so that a full-width `＠` is the sign that it looks like. An address in
/// another script is refused, as two that look alike could then be two accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, DeriveValueType)]
pub struct Email(String);

impl Email {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What takes the place of the address of a user who was deleted for good. Nobody else can have it: whoever had
    /// would keep the user from being deleted.
    #[must_use]
    pub fn nowhere(user: UserId) -> Self {
        Self(format!("{user}@{NOWHERE}"))
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl FromStr for Email {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text is not such an address.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::invalid("email", "is not an e-mail address");
        // Normalising can make a text longer, many times over.
        if text.len() > 1024 {
            return Err(refused());
        }
        let address = text.nfkc().collect::<String>().trim().to_lowercase();
        let good = address.len() <= 254
            && address.split_once('@').is_some_and(|(local, domain)| {
                local.len() <= 64
                    && local.split('.').all(is_atom)
                    && domain.split('.').all(is_label)
                    && domain != NOWHERE
            });
        if good { Ok(Self(address)) } else { Err(refused()) }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An atom of RFC 5322 section 3.2.3.
fn is_atom(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
}

/// A label of a host name (RFC 1123 section 2.1).
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
