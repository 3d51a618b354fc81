//! How a user proved who they are, and how much that proof is worth.

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A method of authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A password that was compared with a hash.
    Password,
}

impl Method {
    /// The value for the claim `amr` (RFC 8176 section 2).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
        }
    }
}

/// The methods of one sign-in: the claim `amr` (OpenID Connect Core, section 2).
///
/// Values that this version does not know are kept: a newer version may have begun the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Amr(Vec<String>);

impl Amr {
    /// The values of the claim.
    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        self.0.clone()
    }

    /// The level that these methods reach together; none for a session that no proof began.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        if self.0.is_empty() { None } else { Some(Level::Aal1) }
    }
}

impl FromIterator<Method> for Amr {
    fn from_iter<T: IntoIterator<Item = Method>>(methods: T) -> Self {
        Self(methods.into_iter().map(|method| method.as_str().to_owned()).collect())
    }
}

/// A level of authentication, the lowest first: the claim `acr` (OpenID Connect Core, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Level {
    /// One factor (NIST SP 800-63B, AAL1).
    #[sea_orm(string_value = "aal1")]
    Aal1,
    /// Two factors of different kinds (NIST SP 800-63B, AAL2).
    #[sea_orm(string_value = "aal2")]
    Aal2,
    /// A phishing-resistant authenticator (OpenID Connect EAP ACR Values, `phr`).
    #[sea_orm(string_value = "phr")]
    PhishingResistant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_without_a_proof_has_no_level() {
        assert_eq!(Amr::default().level(), None);
        assert_eq!(Amr::from_iter([Method::Password]).level(), Some(Level::Aal1));
    }

    #[test]
    fn a_method_of_a_newer_version_is_kept() {
        let amr: Amr = serde_json::from_str(r#"["pwd","otp"]"#).unwrap();
        assert_eq!(serde_json::to_string(&amr).unwrap(), r#"["pwd","otp"]"#);
    }
}
