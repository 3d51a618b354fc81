//! The user as auth-graph tells it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::ids::UserId;

/// A user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Names the user, for ever.
    pub id: UserId,
    /// The e-mail address: an attribute that changes and can pass to another user.
    pub email: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The telephone number.
    pub phone_number: Option<String>,
    /// When the account was made.
    pub date_joined: DateTime<Utc>,
    /// Whether the user can sign in.
    pub is_active: bool,
    /// Whether the user belongs to the staff.
    pub is_staff: bool,
    /// Whether the user may do everything.
    pub is_superuser: bool,
    /// Whether the e-mail address was proven.
    pub email_verified: bool,
    /// The named sets of scopes that the user holds.
    pub roles: Vec<String>,
    /// All scopes that the user may have.
    pub scopes: Vec<String>,
    /// What services keep with the user.
    pub metadata: Value,
    /// When the user last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts the changes: of two descriptions, the one with the higher version is newer.
    pub version: i64,
}

/// A user with what only the user is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// The user.
    pub user: User,
    /// When the user last signed in.
    pub last_login: Option<DateTime<Utc>>,
}

/// One page of users.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UserPage {
    /// The users, in order.
    pub users: Vec<User>,
    /// Where the next page starts, when there is one.
    pub next: Option<String>,
    /// How many users there are in all.
    pub total: i64,
}
