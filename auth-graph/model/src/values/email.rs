//! E-mail addresses in the one form that is stored and compared.

use std::fmt;
use std::str::FromStr;

use sea_orm::DeriveValueType;
use unicode_normalization::UnicodeNormalization;

use super::UserId;
use crate::error::Error;

/// Domain of placeholder addresses. No mail is delivered to it (RFC 6761 section 6.4).
const NOWHERE: &str = "deleted.invalid";

/// E-mail address: a dot-atom and a host name in ASCII, in lower case, of at most 254 characters (RFC 5321 section
/// 4.5.3.1, RFC 5322 section 3.4.1).
///
/// The text is trimmed and normalised (NFKC) before it is checked, so that a full-width `＠` becomes the sign that it
/// resembles. An address in another script is rejected, because two similar addresses could be two accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, DeriveValueType)]
pub struct Email(String);

impl Email {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the placeholder address of a user who was deleted permanently. It contains the identifier, so that no
    /// other user can have it and prevent the deletion.
    #[must_use]
    pub fn nowhere(user: UserId) -> Self {
        Self(format!("{user}@{NOWHERE}"))
    }

    /// Returns the part before the `@`.
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

/// Returns true for an atom of RFC 5322 section 3.2.3.
fn is_atom(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
}

/// Returns true for a label of a host name (RFC 1123 section 2.1).
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
