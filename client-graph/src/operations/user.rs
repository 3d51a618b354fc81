//! Users, as auth-graph describes them.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::ids::UserId;

/// A user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
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
    /// Time when the account was created.
    pub date_joined: DateTime<Utc>,
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
    /// All scopes that the user may have.
    pub scopes: Vec<String>,
    /// Data that services keep with the user.
    pub metadata: Value,
    /// Time of the last change to the user.
    pub updated_at: DateTime<Utc>,
    /// Number that grows with each change: of two copies of a user, the one with the higher version is newer.
    pub version: i64,
}

/// A user with the fields that only the user may see.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// The user.
    pub user: User,
    /// Time of the last sign-in.
    pub last_login: Option<DateTime<Utc>>,
}

/// A page of users.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UserPage {
    /// The users, in order.
    pub users: Vec<User>,
    /// Cursor of the next page, when there is one.
    pub next: Option<String>,
    /// Number of all users.
    pub total: i64,
}
