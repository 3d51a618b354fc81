//! Scopes: permissions of a token.

use std::collections::BTreeSet;
use std::str::FromStr;

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Permission such as `users:read`: a scope token of RFC 6749 section 3.3 with at most 128 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Scope(String);

impl Scope {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when the text contains a character that a scope must not have.
    fn from_str(text: &str) -> Result<Self, Error> {
        let good = (1..=128).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if good { Ok(Self(text.to_owned())) } else { Err(Error::invalid("scope", "is not a scope")) }
    }
}

impl TryFrom<String> for Scope {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

/// Set of scopes in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Parses the space-separated form of RFC 6749 section 3.3.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when one of them is not a scope.
    pub fn parse(text: &str) -> Result<Self, Error> {
        text.split_ascii_whitespace().map(Scope::from_str).collect()
    }

    /// Returns true if this scope is in the set.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held.as_str() == scope)
    }

    /// Iterates over the scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Returns the scopes that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Returns the scopes as texts in order.
    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(|scope| scope.0.clone()).collect()
    }

    /// Returns the space-separated form of RFC 6749 section 3.3.
    #[must_use]
    pub fn to_claim(&self) -> String {
        self.0.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl Extend<Scope> for Scopes {
    fn extend<I: IntoIterator<Item = Scope>>(&mut self, scopes: I) {
        self.0.extend(scopes);
    }
}
