//! What a service client is shown of users: which users, and what of each.

use std::collections::BTreeSet;

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Scopes;
use crate::error::Error;

/// Marks a single key of the metadata among the names of fields.
const METADATA_KEY: &str = "metadata.";

/// Something that is said of a user. What a copy can not do without (identifier, version, whether they may sign in) is
/// always said, and is not among these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "they are the fields of a user")]
pub enum UserField {
    Email,
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

/// What users hold: that decides who is shown them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Held {
    /// Their roles.
    pub roles: BTreeSet<String>,
    /// Their scopes, those of the roles among them.
    pub scopes: Scopes,
}

/// Which users, and what of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Projection {
    /// Those who hold any of these roles or scopes; nothing: all users.
    users: Held,
    /// Nothing else of them than this; none: everything.
    fields: Option<Fields>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Fields {
    named: BTreeSet<UserField>,
    metadata_keys: BTreeSet<String>,
}

impl Projection {
    /// The users with any of these roles or scopes (none of either: all users), and these fields of them (none: all).
    /// A field is named as in the schema; `metadata.KEY` is a single key of the metadata.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when there is no such field, a role can not be one, or nothing is limited.
    pub fn parse(users: Held, fields: Option<&[String]>) -> Result<Self, Error> {
        if users == Held::default() && fields.is_none() {
            return Err(Error::invalid("projection", "must name roles, scopes or fields"));
        }
        if !users.roles.iter().all(|role| is_name(role)) {
            return Err(Error::invalid("roles", "must have 1 to 128 characters each, and none that controls"));
        }
        Ok(Self { users, fields: fields.map(Fields::parse).transpose()? })
    }

    /// Whether users who hold this are shown.
    #[must_use]
    pub fn selects(&self, held: &Held) -> bool {
        let Held { roles, scopes } = &self.users;
        self.users == Held::default()
            || roles.intersection(&held.roles).next().is_some()
            || scopes.intersection(&held.scopes) != Scopes::default()
    }

    /// Whether a field is shown; of the metadata, whether all of it is.
    #[must_use]
    pub fn shows(&self, field: UserField) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.named.contains(&field))
    }

    /// What is shown of the metadata; none: nothing.
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

    /// Whose users are shown.
    #[must_use]
    pub fn users(&self) -> &Held {
        &self.users
    }

    /// The names of the fields that are shown; none: all of them.
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

/// Whether it can be the name of a role, or a key of the metadata.
fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.chars().count()) && !text.contains(char::is_control)
}
