//! Users coming in from other systems and going out again: the form in which they travel, and why one is refused.

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

/// A user on the way. It has no `Debug`, as it may hold a password hash.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Record {
    /// A UUID is kept; from any other text a UUID is derived, always the same.
    pub id: Option<String>,
    /// The number that the user had in a system with integer identifiers.
    pub number: Option<i64>,
    /// The address, in any case.
    pub email: String,
    /// In one of the formats that are known here; none or empty: no password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// As it is written there.
    pub phone_number: Option<String>,
    /// The language that the user reads.
    pub locale: Option<String>,
    /// True if the user may sign in.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// Holds the role `staff`.
    pub is_staff: bool,
    /// Holds the role `superuser`.
    pub is_superuser: bool,
    /// True if the user has proved that the address is theirs.
    pub email_verified: bool,
    /// Further roles.
    pub roles: Vec<String>,
    /// Scopes beside those of the roles.
    pub scopes: Vec<String>,
    /// Data that services keep with the user.
    pub metadata: BTreeMap<String, Value>,
    /// Data that only administrators see.
    pub private_metadata: BTreeMap<String, Value>,
    /// Time of creation (UTC).
    pub date_joined: Option<DateTime<Utc>>,
    /// The last sign-in.
    pub last_login: Option<DateTime<Utc>>,
}

fn yes() -> bool {
    true
}

/// The reason for which a row was not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// It can not be read.
    Malformed,
    /// It has no address, or none that is accepted here.
    InvalidEmail,
    /// A role, scope or language can not be one, a role is a flag, or a name is too long.
    InvalidValue,
    /// The metadata is too large, or not as its schema says.
    InvalidMetadata,
    /// The hash is of no known format.
    UnknownHash,
    /// Comparing with the hash would take too long.
    HashTooCostly,
    /// This very user is here already.
    AlreadyImported,
    /// Somebody else has the address.
    EmailTaken,
    /// Somebody else has the identifier.
    IdTaken,
}

impl Refused {
    /// The code in the report.
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
