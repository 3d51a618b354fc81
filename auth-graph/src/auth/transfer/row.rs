//! From a record to the row of a user: everything that can be said of it without looking at other users.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::Set;
use serde_json::json;
use uuid::Builder;

use super::{Record, Refused};
use crate::credentials::foreign_hashes::{ForeignHash, Unusable};
use crate::store::users;
use crate::values::{Email, Scope, UserId};

const LONGEST_NAME: usize = 150;
const LONGEST_TEXT: usize = 128;

/// What happens to a user whose hash can not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusableHash {
    /// They are refused.
    Refuse,
    /// They come without a password, and have to set one.
    Drop,
}

/// A user to be written.
pub(super) struct Prepared {
    pub id: UserId,
    pub email: Email,
    pub number: Option<i64>,
    pub row: users::ActiveModel,
}

pub(super) fn prepare(record: Record, unusable: UnusableHash, now: DateTime<Utc>) -> Result<Prepared, Refused> {
    let email: Email = record.email.parse().map_err(|_| Refused::InvalidEmail)?;
    let password_hash = usable_hash(record.password_hash, unusable)?;
    let scopes = record.scopes.iter().map(|scope| scope.parse::<Scope>()).collect::<Result<_, _>>();
    let fits = |text: &str, most| text.chars().count() <= most && !text.contains(char::is_control);
    let names_fit = fits(&record.first_name, LONGEST_NAME) && fits(&record.last_name, LONGEST_NAME);
    let phone_fits = record.phone_number.as_deref().is_none_or(|phone| fits(phone, LONGEST_TEXT));
    let roles_fit = record.roles.iter().all(|role| !role.is_empty() && fits(role, LONGEST_TEXT));
    if !(names_fit && phone_fits && roles_fit) || record.number.is_some_and(|number| number < 1) {
        return Err(Refused::InvalidValue);
    }
    // PostgreSQL keeps no more than microseconds, and no NUL in a JSON text.
    let time = |time: DateTime<Utc>| time.trunc_subsecs(6);
    let metadata = json!(record.metadata);
    if metadata.to_string().contains("\\u0000") {
        return Err(Refused::InvalidValue);
    }
    let id = match record.id {
        Some(id) if !id.is_empty() => id.parse().unwrap_or_else(|_| derived(&id)),
        _ => UserId::generate(now),
    };
    let row = users::ActiveModel {
        id: Set(id),
        email: Set(email.clone()),
        password_hash: Set(password_hash),
        first_name: Set(record.first_name),
        last_name: Set(record.last_name),
        phone_number: Set(record.phone_number.filter(|phone| !phone.is_empty())),
        is_active: Set(record.is_active),
        is_staff: Set(record.is_staff),
        is_superuser: Set(record.is_superuser),
        email_verified: Set(record.email_verified),
        roles: Set(json!(record.roles)),
        scopes: Set(scopes.map_err(|_| Refused::InvalidValue)?),
        metadata: Set(metadata),
        date_joined: Set(record.date_joined.map_or(now, time)),
        last_login: Set(record.last_login.map(time)),
        locale: Set(None),
        updated_at: Set(now),
        version: Set(1),
        deleted_at: Set(None),
    };
    Ok(Prepared { id, email, number: record.number, row })
}

fn usable_hash(hash: Option<String>, unusable: UnusableHash) -> Result<Option<String>, Refused> {
    // Django marks what is no password with an exclamation mark.
    let Some(hash) = hash.filter(|hash| !hash.is_empty() && !hash.starts_with('!')) else { return Ok(None) };
    match (ForeignHash::parse(&hash), unusable) {
        (Ok(_), _) => Ok(Some(hash)),
        (Err(_), UnusableHash::Drop) => Ok(None),
        (Err(Unusable::Unknown), UnusableHash::Refuse) => Err(Refused::UnknownHash),
        (Err(Unusable::TooCostly), UnusableHash::Refuse) => Err(Refused::HashTooCostly),
    }
}

/// The UUID of a user who has another identifier elsewhere (UUIDv8, RFC 9562 section 5.8).
fn derived(id: &str) -> UserId {
    let name = digest(&SHA256, format!("auth-graph user {id}").as_bytes());
    let bytes = name.as_ref()[..16].try_into().expect("a digest of SHA-256 has 32 bytes");
    UserId(Builder::from_custom_bytes(bytes).into_uuid())
}
