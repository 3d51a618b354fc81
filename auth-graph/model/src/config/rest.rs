//! `[rest]`: the paths and names of older authentication services.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::values::ClaimSource;

/// The fields that an account has at `/auth/user/` without configuration.
const FIXED: [&str; 9] =
    ["id", "first_name", "email", "last_name", "date_joined", "last_login", "is_active", "is_staff", "is_superuser"];

/// Paths and names of older authentication services.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rest {
    /// If true, the paths of django-easyjwt's authentication service are served.
    pub enabled: bool,
    /// Further services whose paths and names are served.
    pub old_names: Vec<OldNames>,
    /// If true, any caller can create an account there, and learns whether an address has one.
    pub create_user: bool,
    /// Further fields of an account, and the source of each.
    pub user_fields: BTreeMap<AccountField, ClaimSource>,
    /// Names of these that users may set themselves.
    pub user_settable_fields: Vec<AccountField>,
}

/// An older authentication service, by whose names clients can also call this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OldNames {
    /// django-auth-service of Tibiritabara, with its GraphQL mutations.
    DjangoAuthService,
    /// django-rest-microservice.
    DjangoRestMicroservice,
}

impl Rest {
    /// Returns whether the names of an older service are served.
    #[must_use]
    pub fn serves(&self, names: OldNames) -> bool {
        self.old_names.contains(&names)
    }
}

/// Name of a further field of an account: a name in Python, and none of those that an account has in any case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct AccountField(String);

impl AccountField {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountField {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let letters = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if FIXED.contains(&name.as_str()) {
            Err(format!("the field {name} always exists and cannot be replaced: choose another name"))
        } else if !(1..=64).contains(&name.len())
            || !letters(&name)
            || name.starts_with(|first: char| first.is_ascii_digit())
        {
            Err("the name of a field must have 1 to 64 letters, digits and underscores, no digit first".to_owned())
        } else {
            Ok(Self(name))
        }
    }
}
