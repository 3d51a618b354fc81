//! Converts a record to the row of a user, with all checks that do not need other users.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, SubsecRound, Utc};
use serde_json::json;
use uuid::Builder;

use super::{Record, Refused};
use crate::accounts::metadata;
use crate::app::App;
use credentials::foreign_hashes::{ForeignHash, Unusable};
use model::values::{Email, PersonName, Scope, UserId};
use store::users;

const LONGEST_TEXT: usize = 128;

/// Treatment of a user whose hash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusableHash {
    /// The user is rejected.
    Refuse,
    /// The user is imported without a password and has to set one.
    Drop,
}

/// A user who is ready to be written.
pub(super) struct Prepared {
    pub number: Option<i64>,
    pub user: users::Model,
    /// Hash of the password.
    pub password: Option<String>,
}

pub(super) fn prepare(
    app: &App,
    record: Record,
    unusable: UnusableHash,
    now: DateTime<Utc>,
) -> Result<Prepared, Refused> {
    let email: Email = record.email.parse().map_err(|_| Refused::InvalidEmail)?;
    let password_hash = usable_hash(record.password_hash, unusable)?;
    let scopes = record.scopes.iter().map(|scope| scope.parse::<Scope>()).collect::<Result<_, _>>();
    let name = |text: &str| text.parse().map(PersonName::into_string).map_err(|_| Refused::InvalidValue);
    let locale = record.locale.map(|locale| locale.parse()).transpose().map_err(|_| Refused::InvalidValue)?;
    let fits = |text: &str| text.chars().count() <= LONGEST_TEXT && !text.contains(char::is_control);
    let phone_fits = record.phone_number.as_deref().is_none_or(fits);
    let roles_fit = record.roles.iter().all(|role| !role.is_empty() && fits(role) && !users::is_flag(role));
    if !(phone_fits && roles_fit) || record.number.is_some_and(|number| number < 1) {
        return Err(Refused::InvalidValue);
    }
    // PostgreSQL stores times with a precision of microseconds.
    let time = |time: DateTime<Utc>| time.trunc_subsecs(6);
    let metadata = metadata::checked(app, json!(record.metadata)).map_err(|_| Refused::InvalidMetadata)?;
    let private_metadata =
        metadata::checked_private(app, json!(record.private_metadata)).map_err(|_| Refused::InvalidMetadata)?;
    let date_joined = record.date_joined.map_or(now, time);
    let id = match record.id {
        Some(id) if !id.is_empty() => id.parse().unwrap_or_else(|_| derived(&id)),
        // The identifier contains the time of joining, because `users::candidate` expects identifiers that are spread
        // over time. A time in the future would spread them over years without users.
        _ => UserId::since(date_joined.min(now)),
    };
    let user = users::Model {
        first_name: name(&record.first_name)?,
        last_name: name(&record.last_name)?,
        phone_number: record.phone_number.filter(|phone| !phone.is_empty()),
        locale,
        is_active: record.is_active,
        is_staff: record.is_staff,
        is_superuser: record.is_superuser,
        email_verified: record.email_verified,
        roles: json!(record.roles),
        scopes: scopes.map_err(|_| Refused::InvalidValue)?,
        metadata,
        private_metadata,
        date_joined,
        last_login: record.last_login.map(time),
        ..users::Model::new(id, email, now)
    };
    Ok(Prepared { number: record.number, password: password_hash, user })
}

fn usable_hash(hash: Option<String>, unusable: UnusableHash) -> Result<Option<String>, Refused> {
    // Django marks an unusable password with an exclamation mark.
    let Some(hash) = hash.filter(|hash| !hash.is_empty() && !hash.starts_with('!')) else { return Ok(None) };
    match (ForeignHash::parse(&hash), unusable) {
        (Ok(_), _) => Ok(Some(hash)),
        (Err(_), UnusableHash::Drop) => Ok(None),
        (Err(Unusable::Unknown), UnusableHash::Refuse) => Err(Refused::UnknownHash),
        (Err(Unusable::TooCostly), UnusableHash::Refuse) => Err(Refused::HashTooCostly),
    }
}

/// Derives a UUID from the identifier that the user has in the other system (UUIDv8, RFC 9562 section 5.8).
fn derived(id: &str) -> UserId {
    let name = digest(&SHA256, format!("auth-graph user {id}").as_bytes());
    let bytes = name.as_ref()[..16].try_into().expect("a digest of SHA-256 has 32 bytes");
    UserId(Builder::from_custom_bytes(bytes).into_uuid())
}
