//! E-mail addresses in the one form that is stored and compared.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use sea_orm::DeriveValueType;
use unicode_normalization::UnicodeNormalization;

use super::UserId;
use crate::error::Error;

/// Domains of placeholder addresses. No mail is delivered to them (RFC 6761 section 6.4).
const NOWHERE: &str = "deleted.invalid";
const MISSING: &str = "no-address.invalid";
const NOBODY: &str = "nobody.invalid";

/// E-mail address: a dot-atom and a host name in ASCII, in lower case, of at most 254 characters (RFC 5321 section
/// 4.5.3.1, RFC 5322 section 3.4.1).
///
/// The text is trimmed and normalised (NFKC) before it is checked, so that a full-width `＠` becomes the sign that it
/// resembles. A domain in another script is converted to ASCII (IDNA, UTS 46), so that `info@bücher.example` and
/// `info@xn--bcher-kva.example` are one address. Another script before the `@` is rejected, because two similar
/// addresses could be two accounts.
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

    /// Returns the address with its domain as people read it, such as `info@bücher.example`.
    #[must_use]
    pub fn to_unicode(&self) -> Cow<'_, str> {
        match self.0.split_once('@') {
            Some((local, domain)) if has_encoded_label(domain) => {
                let (domain, _) = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow);
                Cow::Owned(format!("{local}@{domain}"))
            }
            _ => Cow::Borrowed(&self.0),
        }
    }

    /// Returns the placeholder address of a user who has no address and signs in with a user name.
    #[must_use]
    pub fn missing(user: UserId) -> Self {
        Self(format!("{user}@{MISSING}"))
    }

    /// Returns the placeholder address in the place of a user name that no user has. It is the address of no user.
    #[must_use]
    pub fn of_nobody(mark: &str) -> Self {
        Self(format!("{mark}@{NOBODY}"))
    }

    /// Returns whether this is the placeholder of a user who has no address.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.domain() == MISSING
    }

    /// Returns the address as it is shown, which is empty for a user who has none.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.is_missing() { "" } else { &self.0 }
    }

    fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
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
        let text = text.nfkc().collect::<String>();
        let (local, domain) = text.trim().split_once('@').ok_or_else(refused)?;
        let (local, domain) = (local.to_lowercase(), ascii(domain).ok_or_else(refused)?);
        let address = format!("{local}@{domain}");
        let good = address.len() <= 254
            && local.len() <= 64
            && local.split('.').all(is_atom)
            && domain.split('.').all(is_label)
            && ![NOWHERE, MISSING, NOBODY].contains(&domain.as_str());
        if good { Ok(Self(address)) } else { Err(refused()) }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns a domain in ASCII and in lower case, or `None` if it has no such form.
fn ascii(domain: &str) -> Option<String> {
    if domain.is_ascii() && !has_encoded_label(domain) {
        return Some(domain.to_ascii_lowercase());
    }
    let converted =
        Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    converted.ok().map(Cow::into_owned)
}

/// Returns true for a domain in ASCII that stands for one in another script.
fn has_encoded_label(domain: &str) -> bool {
    domain.split('.').any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_international_domain_has_one_form() {
        for (typed, stored, read) in [
            ("info@bücher.example", "info@xn--bcher-kva.example", "info@bücher.example"),
            (" Info@BÜCHER.Example ", "info@xn--bcher-kva.example", "info@bücher.example"),
            ("info@bu\u{308}cher.example", "info@xn--bcher-kva.example", "info@bücher.example"),
            ("info@XN--Bcher-KVA.example", "info@xn--bcher-kva.example", "info@bücher.example"),
            ("ann@straße.example", "ann@xn--strae-oqa.example", "ann@straße.example"),
            ("ann@STRAẞE.example", "ann@xn--strae-oqa.example", "ann@straße.example"),
            ("ann@strasse.example", "ann@strasse.example", "ann@strasse.example"),
            ("ann@ΒΌΛΟΣ.example", "ann@xn--nxasmq6b.example", "ann@βόλοσ.example"),
            ("ann@例え。テスト", "ann@xn--r8jz45g.xn--zckzah", "ann@例え.テスト"),
            ("ann@почта.рф", "ann@xn--80a1acny.xn--p1ai", "ann@почта.рф"),
            ("ann@ｅｘａｍｐｌｅ．ｃｏｍ", "ann@example.com", "ann@example.com"),
            ("ann＠mail.bücher.example", "ann@mail.xn--bcher-kva.example", "ann@mail.bücher.example"),
        ] {
            let email = typed.parse::<Email>().unwrap();
            assert_eq!((email.as_str(), email.to_unicode().as_ref()), (stored, read), "{typed}");
            assert_eq!(read.parse::<Email>().unwrap(), email, "{typed}");
        }
    }

    #[test]
    fn a_domain_that_cannot_be_registered_is_rejected() {
        for typed in [
            "ann@xn--a.example",
            "ann@xn--.example",
            "ann@-bücher.example",
            "ann@bücher..example",
            "ann@bücher.example.",
            "ann@bü cher.example",
            "ann@b\u{202e}ücher.example",
            "ann@aא1.example",
            "ann@\u{308}cher.example",
            &format!("ann@{}.example", "ü".repeat(63)),
            "jörg@bücher.example",
            "jörg@example.com",
        ] {
            typed.parse::<Email>().unwrap_err();
        }
    }
}
