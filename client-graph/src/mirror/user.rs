//! A user of the mirror.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::ids::UserId;

/// A user as this service last received them from auth-graph.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MirroredUser {
    /// Permanent identifier of the user.
    pub id: UserId,
    /// E-mail address: an attribute that changes and can pass to another user.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Telephone number.
    pub phone_number: Option<String>,
    /// True when the user can sign in.
    pub is_active: bool,
    /// True when the user belongs to the staff.
    pub is_staff: bool,
    /// True when the user may do everything.
    pub is_superuser: bool,
    /// True when the user has confirmed the e-mail address.
    pub email_verified: bool,
    /// Roles of the user: named sets of scopes.
    pub roles: Vec<String>,
    /// All scopes that the user may have. The token of a request decides what that request may do.
    pub scopes: Vec<String>,
    /// Data that services keep with the user.
    pub metadata: Value,
    /// Time when the account was created.
    pub date_joined: DateTime<Utc>,
    /// Time of the last change to the user, by auth-graph's clock.
    pub updated_at: DateTime<Utc>,
    /// Number that grows with each change to the user.
    pub version: i64,
    /// Time when this row was last written.
    pub mirrored_at: DateTime<Utc>,
}

impl MirroredUser {
    /// Returns the name under which the user is shown to others, by the rule of auth-graph: given name and family name,
    /// never an e-mail address. `None` when the user has neither.
    #[must_use]
    pub fn display_name(&self) -> Option<String> {
        profile::display_name(&self.first_name, &self.last_name)
    }

    /// Returns the address of the user's picture (`https://`), from the key `picture` of the metadata.
    #[must_use]
    pub fn picture_url(&self) -> Option<String> {
        profile::picture_url(&self.metadata)
    }
}
