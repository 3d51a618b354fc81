//! Import and export of users: the record that is exchanged, and the reasons for which an import rejects one.

mod export;
mod import;
mod row;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use export::{Hashes, PAGE, export};
pub use import::{Batch, Import, PreparedBatch, Row, Writing};
pub use row::UnusableHash;

/// An imported or exported user. It does not implement `Debug`, because it may contain a password hash.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Record {
    /// Identifier. A UUID is kept. From any other text a UUID is derived, which is always the same.
    pub id: Option<String>,
    /// Integer identifier that the user had in the other system.
    pub number: Option<i64>,
    /// E-mail address, in upper or lower case.
    pub email: String,
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
    #[serde(default = "yes")]
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

fn yes() -> bool {
    true
}

/// Reason for which a row was not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// The row cannot be parsed.
    Malformed,
    /// The address is missing or invalid.
    InvalidEmail,
    /// A role, scope or language is invalid, a role is a flag, or a name is too long.
    InvalidValue,
    /// The metadata is too large or does not match its schema.
    InvalidMetadata,
    /// The format of the hash is unknown.
    UnknownHash,
    /// Comparing with the hash would take too long.
    HashTooCostly,
    /// The same user exists already.
    AlreadyImported,
    /// Another user has the address.
    EmailTaken,
    /// Another user has the identifier.
    IdTaken,
}

impl Refused {
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
            Self::AlreadyImported => "ALREADY_IMPORTED",
            Self::EmailTaken => "EMAIL_TAKEN",
            Self::IdTaken => "ID_TAKEN",
        }
    }
}
