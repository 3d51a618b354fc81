//! Rows of a source, and their conversion to users, with all checks that do not need other users.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, SubsecRound, Utc};
use serde_json::json;
use uuid::Builder;

use super::{MOST_NUMBER, Record, Refusal, Refused};
use crate::accounts::metadata;
use crate::app::App;
use credentials::foreign_hashes::{ForeignHash, Unusable};
use model::values::{Email, Locale, PersonName, Scope, UserId, Username};
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

/// The names by which a report shows a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// Position in the source: a line, or the primary key in a table.
    pub place: String,
    /// Identifier that the user has in the other system; may be empty.
    pub identifier: String,
    /// Address as it is written in the source, or the user name if there is none; may be empty.
    pub email: String,
}

/// A row of the source.
pub struct Row {
    /// Names of the row.
    pub label: Label,
    /// Content of the row.
    pub record: Result<Record, Refusal>,
}

/// Rows of the source that are written together.
pub struct Batch {
    /// The rows, at most about a thousand, so that they fit into one statement.
    pub rows: Vec<Row>,
    /// Position in the source after these rows.
    pub position: String,
}

impl Batch {
    /// Performs all checks that need no database.
    #[must_use]
    pub fn prepare(self, app: &App, unusable: UnusableHash) -> PreparedBatch {
        let now = app.clock.now();
        let mut prepared = PreparedBatch { position: self.position, ..PreparedBatch::default() };
        for Row { label, record } in self.rows {
            match record.and_then(|record| prepare(app, record, unusable, now)) {
                Ok(user) => {
                    for field in &user.dropped {
                        *prepared.dropped.entry(field).or_default() += 1;
                    }
                    prepared.users.push((label, user));
                }
                Err(refusal) => prepared.rejected.push(Rejected { label, refusal }),
            }
        }
        prepared
    }
}

/// A row that was not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Names of the row.
    pub label: Label,
    /// The reason.
    pub refusal: Refusal,
}

/// Rows that have passed all checks without the database, and rows that were rejected.
#[derive(Default)]
pub struct PreparedBatch {
    pub(super) users: Vec<(Label, Prepared)>,
    pub(super) rejected: Vec<Rejected>,
    pub(super) position: String,
    /// Numbers of users who come in without a value that is not accepted, by the names of the values.
    pub dropped: BTreeMap<&'static str, u64>,
}

/// A user who is ready to be written.
pub(super) struct Prepared {
    pub number: Option<i64>,
    pub user: users::Model,
    /// Hash of the password.
    pub password: Option<String>,
    /// True if the source says when the user joined.
    pub has_joined: bool,
    /// Names of values that are not accepted, and without which the user comes in.
    dropped: Vec<&'static str>,
}

fn prepare(app: &App, mut record: Record, unusable: UnusableHash, now: DateTime<Utc>) -> Result<Prepared, Refusal> {
    let address = record.address().to_owned();
    let username = username(app, &mut record)?;
    let email: Option<Email> = match address.trim() {
        "" if username.is_some() => None,
        address => Some(address.parse().map_err(|_| Refused::InvalidEmail.of("email"))?),
    };
    let (password, hash_dropped) = usable_hash(app, record.password_hash, unusable)?;
    let scopes = record.scopes.iter().map(|scope| scope.parse::<Scope>()).collect::<Result<_, _>>();
    let name =
        |text: &str, field| text.parse().map(PersonName::into_string).map_err(|_| Refused::InvalidValue.of(field));
    let fits = |text: &str| text.chars().count() <= LONGEST_TEXT && !text.contains(char::is_control);
    if !record.phone_number.as_deref().is_none_or(fits) {
        return Err(Refused::InvalidValue.of("phone_number"));
    }
    if !record.roles.iter().all(|role| !role.is_empty() && fits(role) && !users::is_flag(role)) {
        return Err(Refused::InvalidValue.of("roles"));
    }
    if record.number.is_some_and(|number| !(1..=MOST_NUMBER).contains(&number)) {
        return Err(Refused::InvalidValue.of("number"));
    }
    // A language is a preference. A person must not be left out for it.
    let locale = record.locale.filter(|locale| !locale.is_empty()).map(|locale| locale.parse::<Locale>().ok());
    let dropped = [("password_hash", hash_dropped), ("locale", locale == Some(None))];
    // PostgreSQL stores times with a precision of microseconds.
    let time = |time: DateTime<Utc>| time.trunc_subsecs(6);
    let invalid = |field| move |_| Refused::InvalidMetadata.of(field);
    let metadata = metadata::checked(app, json!(record.metadata)).map_err(invalid("metadata"))?;
    let private_metadata = metadata::checked_private(app, json!(record.private_metadata));
    let date_joined = record.date_joined.map_or(now, time);
    let id = match record.id {
        Some(id) if !id.is_empty() => id.parse().unwrap_or_else(|_| derived(&id)),
        // The identifier contains the time of joining, so that lists show users in that order. A time in the future is
        // replaced by now.
        _ => UserId::since(date_joined.min(now)),
    };
    let email = email.unwrap_or_else(|| Email::missing(id));
    let user = users::Model {
        username,
        first_name: name(&record.first_name, "first_name")?,
        last_name: name(&record.last_name, "last_name")?,
        phone_number: record.phone_number.filter(|phone| !phone.is_empty()),
        locale: locale.flatten(),
        is_active: record.is_active,
        is_staff: record.is_staff,
        is_superuser: record.is_superuser,
        email_verified: record.email_verified,
        roles: json!(record.roles),
        scopes: scopes.map_err(|_| Refused::InvalidValue.of("scopes"))?,
        metadata,
        private_metadata: private_metadata.map_err(invalid("private_metadata"))?,
        date_joined,
        last_login: record.last_login.map(time),
        ..users::Model::new(id, email, now)
    };
    let dropped = dropped.into_iter().filter(|(_, is_dropped)| *is_dropped).map(|(field, _)| field).collect();
    Ok(Prepared { number: record.number, password, user, has_joined: record.date_joined.is_some(), dropped })
}

/// Takes the user name of a record. Where the configuration does not accept user names, it is kept in the metadata,
/// under a key that users cannot change.
fn username(app: &App, record: &mut Record) -> Result<Option<Username>, Refusal> {
    let Some(name) = record.username.take().filter(|name| !name.is_empty()) else { return Ok(None) };
    if app.config.accounts.usernames {
        return name.parse().map(Some).map_err(|_| Refused::InvalidValue.of("username"));
    }
    record.metadata.insert("_username".to_owned(), name.into());
    Ok(None)
}

/// Returns the hash that is stored, and whether a hash was dropped.
fn usable_hash(app: &App, hash: Option<String>, unusable: UnusableHash) -> Result<(Option<String>, bool), Refusal> {
    // Django marks an unusable password with an exclamation mark.
    let Some(hash) = hash.filter(|hash| !hash.is_empty() && !hash.starts_with('!')) else { return Ok((None, false)) };
    match (ForeignHash::parse(&hash), unusable) {
        (Ok(_), _) => Ok((Some(hash), false)),
        // Our own hashes have the cost that is configured, however high it is.
        (Err(Unusable::TooCostly), _) if app.passwords.pool.is_current(&hash) => Ok((Some(hash), false)),
        (Err(_), UnusableHash::Drop) => Ok((None, true)),
        (Err(Unusable::Unknown), UnusableHash::Refuse) => Err(Refused::UnknownHash.of("password_hash")),
        (Err(Unusable::TooCostly), UnusableHash::Refuse) => Err(Refused::HashTooCostly.of("password_hash")),
    }
}

/// Derives a UUID from the identifier that the user has in the other system (UUIDv8, RFC 9562 section 5.8).
fn derived(id: &str) -> UserId {
    let name = digest(&SHA256, format!("auth-graph user {id}").as_bytes());
    let bytes = name.as_ref()[..16].try_into().expect("a digest of SHA-256 has 32 bytes");
    UserId(Builder::from_custom_bytes(bytes).into_uuid())
}
