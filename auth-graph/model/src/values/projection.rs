//! Projections: the users that a service client may see, and the visible fields of each.

use std::collections::BTreeSet;

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Scopes;
use crate::error::Error;

/// Prefix of a single key of the metadata among the names of fields.
const METADATA_KEY: &str = "metadata.";

/// Field of a user that can be hidden. A mirror needs the identifier, the version and the active flag, which are always
/// visible and not listed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "they are the fields of a user")]
pub enum UserField {
    Email,
    Username,
    FirstName,
    LastName,
    PhoneNumber,
    Locale,
    DateJoined,
    LastLogin,
    IsStaff,
    IsSuperuser,
    EmailVerified,
    Roles,
    Scopes,
    Metadata,
}

/// Roles and scopes of a user, which decide about visibility.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct RolesAndScopes {
    /// Roles of the user.
    pub roles: BTreeSet<String>,
    /// Scopes of the user, including those of the roles.
    pub scopes: Scopes,
}

/// Visible users, and visible fields of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Projection {
    /// Users with any of these roles or scopes are visible. If there are none, all users are.
    users: RolesAndScopes,
    /// Visible fields. If absent, all fields are visible.
    fields: Option<Fields>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Fields {
    named: BTreeSet<UserField>,
    metadata_keys: BTreeSet<String>,
}

impl Projection {
    /// Returns the projection of users with any of these roles or scopes, or of all users, to these fields, or to all
    /// fields. A field is named as in the schema. `metadata.KEY` is a single key of the metadata.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when a field does not exist, the name of a role is not valid, or nothing is limited.
    pub fn parse(users: RolesAndScopes, fields: Option<&[String]>) -> Result<Self, Error> {
        if users == RolesAndScopes::default() && fields.is_none() {
            return Err(Error::invalid("projection", "must name roles, scopes or fields"));
        }
        if !users.roles.iter().all(|role| is_name(role)) {
            return Err(Error::invalid("roles", "must have 1 to 128 characters each and no control character"));
        }
        Ok(Self { users, fields: fields.map(Fields::parse).transpose()? })
    }

    /// Returns true if a user with these roles and scopes is visible.
    #[must_use]
    pub fn selects(&self, held: &RolesAndScopes) -> bool {
        let RolesAndScopes { roles, scopes } = &self.users;
        self.users == RolesAndScopes::default()
            || roles.intersection(&held.roles).next().is_some()
            || scopes.intersection(&held.scopes) != Scopes::default()
    }

    /// Returns true if a field is visible. The metadata is visible only as a whole here.
    #[must_use]
    pub fn shows(&self, field: UserField) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.named.contains(&field))
    }

    /// Returns the visible part of the metadata, if there is one.
    #[must_use]
    pub fn metadata(&self, whole: &Value) -> Option<Value> {
        match &self.fields {
            Some(fields) if !fields.named.contains(&UserField::Metadata) => {
                let keys = Some(&fields.metadata_keys).filter(|keys| !keys.is_empty())?;
                let kept = whole.as_object().into_iter().flatten().filter(|(key, _)| keys.contains(*key));
                Some(Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>()))
            }
            _ => Some(whole.clone()),
        }
    }

    /// Returns the roles and scopes of visible users.
    #[must_use]
    pub fn users(&self) -> &RolesAndScopes {
        &self.users
    }

    /// Returns the names of the visible fields, or nothing if all fields are visible.
    #[must_use]
    pub fn fields(&self) -> Option<Vec<String>> {
        let Fields { named, metadata_keys } = self.fields.as_ref()?;
        let name = |field: &UserField| serde_json::to_value(field).ok()?.as_str().map(str::to_owned);
        let keys = metadata_keys.iter().map(|key| format!("{METADATA_KEY}{key}"));
        Some(named.iter().filter_map(name).chain(keys).collect())
    }
}

impl Fields {
    fn parse(names: &[String]) -> Result<Self, Error> {
        let mut fields = Self::default();
        for name in names {
            if let Some(key) = name.strip_prefix(METADATA_KEY).filter(|key| is_name(key)) {
                fields.metadata_keys.insert(key.to_owned());
            } else {
                let field = serde_json::from_value(Value::String(name.clone()));
                fields.named.insert(field.map_err(|_| Error::invalid("fields", "must be fields of a user"))?);
            }
        }
        Ok(fields)
    }
}

/// Returns true for a valid name of a role or key of the metadata.
fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.chars().count()) && !text.contains(char::is_control)
}
