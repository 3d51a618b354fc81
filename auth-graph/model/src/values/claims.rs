//! Claims of access tokens in addition to the standard ones: permitted names, and sources of values.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Claims that have a meaning for verifiers, or that auth-graph sets. No policy and no hook can set them. They come
/// from the registries of RFC 7519, 7662, 8693 and 9068 and of OpenID Connect. Some verifiers read scopes from `scp`.
const RESERVED: [&str; 26] = [
    "acr",
    "act",
    "active",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "exp",
    "iat",
    "iss",
    "jti",
    "may_act",
    "nbf",
    "nonce",
    "scope",
    "scp",
    "sid",
    "sub",
    "sub_id",
    "token_type",
    "token_use",
    "user_id",
];
/// Claims by which verifiers decide what the bearer may do (RFC 9068 section 2.2.3.1). No hook can set them.
const POWERS: [&str; 3] = ["entitlements", "groups", "roles"];
/// Further claims that some verifiers decide by.
const OTHER_POWERS: [&str; 7] =
    ["authorities", "is_admin", "is_staff", "is_superuser", "permissions", "role", "realm_access"];
const LONGEST_NAME: usize = 128;

/// Name of a claim that a policy or a hook may set: visible ASCII, and not reserved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ClaimName(String);

impl ClaimName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the name of a claim that the hook sets.
    ///
    /// # Errors
    /// The reason, when it is no name of a claim, is reserved, or says what the bearer may do.
    pub fn of_hook(name: String) -> Result<Self, String> {
        let name = Self::try_from(name)?;
        if POWERS.contains(&name.as_str()) {
            return Err(format!("the claim {} is not for the hook: it says what the bearer may do", name.0));
        }
        Ok(name)
    }

    /// Returns true if verifiers may decide by this claim what the bearer may do.
    #[must_use]
    pub fn is_power(&self) -> bool {
        POWERS.iter().chain(&OTHER_POWERS).any(|power| self.0.eq_ignore_ascii_case(power))
    }
}

impl TryFrom<String> for ClaimName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(format!("the name of a claim must have 1 to {LONGEST_NAME} visible ASCII characters"))
        } else if RESERVED.contains(&name.as_str()) {
            Err(format!("the claim {name} is reserved"))
        } else {
            Ok(Self(name))
        }
    }
}

/// Attribute of a user that becomes a claim or a field of `/auth/user/`, by its name in the GraphQL type `User`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ClaimSource {
    /// The field `email`.
    Email,
    /// The field `emailVerified`.
    EmailVerified,
    /// The field `username`.
    Username,
    /// The field `firstName`.
    FirstName,
    /// The field `lastName`.
    LastName,
    /// The field `phoneNumber`.
    PhoneNumber,
    /// The field `isStaff`.
    IsStaff,
    /// The field `isSuperuser`.
    IsSuperuser,
    /// The field `roles`.
    Roles,
    /// The field `metadata`, or a part of it such as `metadata.billing.plan`.
    Metadata(Vec<String>),
}

impl ClaimSource {
    /// Returns the key of `metadata` that the value comes from: `Some(None)` for the whole metadata, `None` for an
    /// attribute.
    #[must_use]
    pub fn metadata_key(&self) -> Option<Option<&str>> {
        match self {
            Self::Metadata(path) => Some(path.first().map(String::as_str)),
            _ => None,
        }
    }

    /// Returns true for an attribute that users set themselves, without a proof.
    #[must_use]
    pub fn is_profile(&self) -> bool {
        matches!(self, Self::FirstName | Self::LastName | Self::PhoneNumber)
    }
}

impl FromStr for ClaimSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "email" => Ok(Self::Email),
            "emailVerified" => Ok(Self::EmailVerified),
            "username" => Ok(Self::Username),
            "firstName" => Ok(Self::FirstName),
            "lastName" => Ok(Self::LastName),
            "phoneNumber" => Ok(Self::PhoneNumber),
            "isStaff" => Ok(Self::IsStaff),
            "isSuperuser" => Ok(Self::IsSuperuser),
            "roles" => Ok(Self::Roles),
            "metadata" => Ok(Self::Metadata(Vec::new())),
            _ => match text.strip_prefix("metadata.") {
                Some(path) if path.split('.').all(|name| !name.is_empty()) => {
                    Ok(Self::Metadata(path.split('.').map(str::to_owned).collect()))
                }
                _ => Err(
                    "the source must be email, emailVerified, username, firstName, lastName, phoneNumber, isStaff, \
                     isSuperuser, roles, metadata or a part of it such as metadata._plan"
                        .to_owned(),
                ),
            },
        }
    }
}

impl TryFrom<String> for ClaimSource {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for ClaimSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Email => "email",
            Self::EmailVerified => "emailVerified",
            Self::Username => "username",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::PhoneNumber => "phoneNumber",
            Self::IsStaff => "isStaff",
            Self::IsSuperuser => "isSuperuser",
            Self::Roles => "roles",
            Self::Metadata(path) => {
                formatter.write_str("metadata")?;
                return path.iter().try_for_each(|name| write!(formatter, ".{name}"));
            }
        };
        formatter.write_str(name)
    }
}

/// Claims of a token in addition to the standard ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdditionalClaims(Map<String, Value>);

impl AdditionalClaims {
    /// Sets a claim, and replaces an earlier value. Null is not set.
    pub fn insert(&mut self, name: &ClaimName, value: Value) {
        if !value.is_null() {
            self.0.insert(name.as_str().to_owned(), value);
        }
    }

    /// Sets all of the other claims, and replaces earlier values.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Sets a claim that no policy and no hook can set.
    pub fn insert_reserved(&mut self, name: &'static str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Returns the length of their JSON in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        Value::Object(self.0.clone()).to_string().len()
    }

    /// Returns the claims as a JSON object.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}
