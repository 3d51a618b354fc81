//! Projections: the users that a service client may see, and the visible fields of each.

use std::collections::BTreeSet;

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Scopes;
use super::user_fields::{UserField, UserFields, is_name};
use crate::error::Error;

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
    fields: Option<UserFields>,
}

impl Projection {
    /// Returns the projection of users with any of these roles or scopes, or of all users, to these fields, or to all
    /// fields. A field is named as in the schema. `metadata.KEY` is a single key of the metadata. A computed field
    /// brings those that it is computed from, because a mirror keeps these.
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
        let fields = fields.map(UserFields::parse).transpose()?;
        Ok(Self { users, fields: fields.map(UserFields::with_sources) })
    }

    /// Returns true if a user with these roles and scopes is visible.
    #[must_use]
    pub fn selects(&self, held: &RolesAndScopes) -> bool {
        let RolesAndScopes { roles, scopes } = &self.users;
        self.users == RolesAndScopes::default()
            || roles.intersection(&held.roles).next().is_some()
            || scopes.intersection(&held.scopes) != Scopes::default()
    }

    /// Returns true if a field is visible; for the metadata, whether any part of it is.
    #[must_use]
    pub fn shows(&self, field: UserField) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.shows(field))
    }

    /// Returns the visible part of the metadata, if there is one.
    #[must_use]
    pub fn metadata(&self, whole: &Value) -> Option<Value> {
        self.fields.as_ref().map_or_else(|| Some(whole.clone()), |fields| fields.metadata(whole))
    }

    /// Returns the roles and scopes of visible users.
    #[must_use]
    pub fn users(&self) -> &RolesAndScopes {
        &self.users
    }

    /// Returns the names of the visible fields, or nothing if all fields are visible.
    #[must_use]
    pub fn fields(&self) -> Option<Vec<String>> {
        self.fields.as_ref().map(UserFields::names)
    }
}
