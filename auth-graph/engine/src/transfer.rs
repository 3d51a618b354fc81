//! Import and export of users: the record that is exchanged, and the reasons for which an import rejects one.

mod completing;
mod existing;
mod export;
mod import;
mod row;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::app::App;

pub use export::{Hashes, PAGE, export};
pub use import::{Existing, Import, Writing};
pub use row::{Batch, Label, PreparedBatch, Rejected, Row, UnusableHash};

/// Maximum integer identifier that is imported, 2^52 − 1. Users who get the next number have 2^52 of them before the
/// first one that not every reader of JSON can represent.
pub const MOST_NUMBER: i64 = (1 << 52) - 1;

/// An imported or exported user. It does not implement `Debug`, because it may contain a password hash.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Identifier. A UUID is kept. From any other text a UUID is derived, which is always the same.
    pub id: Option<String>,
    /// Integer identifier that the user had in the other system.
    pub number: Option<i64>,
    /// E-mail address, in upper or lower case.
    pub email: String,
    /// Name to sign in with. Unless the configuration accepts user names, it is kept as `_username` in `metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password hash in one of the supported formats; `None` or empty for no password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Phone number as the other system writes it.
    pub phone_number: Option<String>,
    /// Language that the user reads.
    pub locale: Option<String>,
    /// True if the user may sign in.
    pub is_active: bool,
    /// True if the user has the role `staff`.
    pub is_staff: bool,
    /// True if the user has the role `superuser`.
    pub is_superuser: bool,
    /// True if the user has verified the address.
    pub email_verified: bool,
    /// Further roles.
    pub roles: Vec<String>,
    /// Scopes in addition to those of the roles.
    pub scopes: Vec<String>,
    /// Metadata that services store with the user.
    pub metadata: BTreeMap<String, Value>,
    /// Metadata that only administrators see.
    pub private_metadata: BTreeMap<String, Value>,
    /// Time of creation (UTC).
    pub date_joined: Option<DateTime<Utc>>,
    /// Time of the last sign-in (UTC).
    pub last_login: Option<DateTime<Utc>>,
}

impl Default for Record {
    /// Builds an active user without an address.
    fn default() -> Self {
        Self {
            id: None,
            number: None,
            email: String::new(),
            username: None,
            password_hash: None,
            first_name: String::new(),
            last_name: String::new(),
            phone_number: None,
            locale: None,
            is_active: true,
            is_staff: false,
            is_superuser: false,
            email_verified: false,
            roles: Vec::new(),
            scopes: Vec::new(),
            metadata: BTreeMap::new(),
            private_metadata: BTreeMap::new(),
            date_joined: None,
            last_login: None,
        }
    }
}

impl Record {
    /// Returns the address. In systems with user names, the name is sometimes the address.
    #[must_use]
    pub fn address(&self) -> &str {
        let by_name = self.username.as_deref().filter(|name| name.contains('@'));
        if self.email.trim().is_empty() { by_name.unwrap_or_default() } else { &self.email }
    }
}

/// Returns the first of these roles that an import must not give to a user: one that the configuration does not define,
/// or one that a flag expresses.
pub fn unknown_role<'a>(app: &App, mut roles: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    roles.find(|role| !app.config.roles.contains_key(*role) || store::users::is_flag(role))
}

/// Reason for which a row was not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Kind of the reason.
    pub code: Refused,
    /// Value that is at fault, by its name in the record; empty if it is the row.
    pub field: &'static str,
}

impl From<Refused> for Refusal {
    fn from(code: Refused) -> Self {
        Self { code, field: "" }
    }
}

/// Kinds of reasons for which a row was not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// The row cannot be parsed.
    Malformed,
    /// The address is missing or invalid.
    InvalidEmail,
    /// A flag, time, name, role, scope or number is invalid, or a role is a flag.
    InvalidValue,
    /// The metadata is too large or does not match its schema.
    InvalidMetadata,
    /// The format of the hash is unknown.
    UnknownHash,
    /// Comparing with the hash would take too long, or too much memory.
    HashTooCostly,
    /// Another user has the address.
    EmailTaken,
    /// Another user has the user name.
    UsernameTaken,
    /// Another user has the identifier.
    IdTaken,
}

impl Refused {
    /// Names the value that is at fault.
    #[must_use]
    pub fn of(self, field: &'static str) -> Refusal {
        Refusal { code: self, field }
    }

    /// Returns the code for the report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED",
            Self::InvalidEmail => "INVALID_EMAIL",
            Self::InvalidValue => "INVALID_VALUE",
            Self::InvalidMetadata => "INVALID_METADATA",
            Self::UnknownHash => "UNKNOWN_HASH",
            Self::HashTooCostly => "HASH_TOO_COSTLY",
            Self::EmailTaken => "EMAIL_TAKEN",
            Self::UsernameTaken => "USERNAME_TAKEN",
            Self::IdTaken => "ID_TAKEN",
        }
    }
}
