//! Converts rows of other systems to records. A function returns `None` if the row is not a user.
//!
//! Data about the identity or the permissions of a user becomes metadata with keys that begin with `_`, because users
//! cannot set those.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value, json};

use engine::transfer::Record;

/// Reads a line of the output of `export`.
pub(super) fn exported(value: Value) -> Option<Record> {
    serde_json::from_value(value).ok()
}

/// Reads a line of Django's `dumpdata`.
pub(super) fn dumped(value: Value) -> Option<Record> {
    let Value::Object(mut line) = value else { return None };
    let Some(Value::Object(mut fields)) = line.remove("fields") else { return None };
    fields.insert("id".to_owned(), line.remove("pk")?);
    django(&fields)
}

/// Reads a row of Django's table of users.
pub(super) fn django(row: &Map<String, Value>) -> Option<Record> {
    let (id, number) = identifier(row.get("id")?)?;
    let username = text(row, "username").filter(|name| !name.is_empty());
    // In systems with user names, the name is sometimes the address.
    let email = text(row, "email").filter(|email| !email.is_empty()).or_else(|| username.clone())?;
    let kept = [("_username", username), ("location", text(row, "location").filter(|location| !location.is_empty()))];
    let joined = time(row, "date_joined")?.or(time(row, "creation_date")?);
    Some(Record {
        id,
        number,
        email,
        password_hash: text(row, "password"),
        first_name: text(row, "first_name").unwrap_or_default(),
        last_name: text(row, "last_name").unwrap_or_default(),
        phone_number: text(row, "phone").or_else(|| text(row, "phone_number")),
        is_active: truth(row, "is_active")?.unwrap_or(true),
        is_staff: truth(row, "is_staff")?.unwrap_or(false),
        is_superuser: truth(row, "is_superuser")?.unwrap_or(false),
        metadata: kept.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect(),
        date_joined: joined,
        last_login: time(row, "last_login")?,
        ..Record::default()
    })
}

/// Reads a line of Auth0's export of users, or of its export of password hashes.
pub(super) fn auth0(value: Value) -> Option<Record> {
    let row = value.as_object()?;
    let object_id = || Some(format!("auth0|{}", row.get("_id")?.get("$oid")?.as_str()?));
    let id = text(row, "user_id").or_else(object_id)?;
    // In Auth0, users can change `user_metadata` but not `app_metadata`.
    let metadata = [("user_metadata", "user_metadata"), ("app_metadata", "_app_metadata")]
        .into_iter()
        .filter_map(|(name, kept)| Some((kept.to_owned(), row.get(name).filter(|value| !value.is_null())?.clone())));
    let metadata: BTreeMap<_, _> = metadata.chain([("_auth0".to_owned(), json!({ "user_id": id }))]).collect();
    Some(Record {
        email: text(row, "email")?,
        password_hash: text(row, "passwordHash").or_else(|| text(row, "password_hash")),
        first_name: text(row, "given_name").unwrap_or_default(),
        last_name: text(row, "family_name").unwrap_or_default(),
        phone_number: text(row, "phone_number"),
        is_active: !truth(row, "blocked")?.unwrap_or(false),
        email_verified: truth(row, "email_verified")?.unwrap_or(false),
        metadata,
        date_joined: time(row, "created_at")?,
        last_login: time(row, "last_login")?,
        id: Some(id),
        ..Record::default()
    })
}

/// Reads a row of a CSV file, whose column names are in lower case and without underscores.
pub(super) fn table(row: &Map<String, Value>) -> Option<Record> {
    let (id, counted) = row.get("id").map_or(Some((None, None)), identifier)?;
    let number = match row.get("number") {
        Some(number) => Some(number.as_str()?.parse().ok()?),
        None => counted,
    };
    let list = |name: &str| text(row, name).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let object = |name: &str| text(row, name).map_or(Some(BTreeMap::new()), |text| serde_json::from_str(&text).ok());
    Some(Record {
        id,
        number,
        email: text(row, "email")?,
        password_hash: text(row, "passwordhash").or_else(|| text(row, "password")),
        first_name: text(row, "firstname").unwrap_or_default(),
        last_name: text(row, "lastname").unwrap_or_default(),
        phone_number: text(row, "phonenumber").or_else(|| text(row, "phone")),
        locale: text(row, "locale"),
        is_active: truth(row, "isactive")?.unwrap_or(true),
        is_staff: truth(row, "isstaff")?.unwrap_or(false),
        is_superuser: truth(row, "issuperuser")?.unwrap_or(false),
        email_verified: truth(row, "emailverified")?.unwrap_or(false),
        roles: list("roles"),
        scopes: list("scopes"),
        metadata: object("metadata")?,
        private_metadata: object("privatemetadata")?,
        date_joined: time(row, "datejoined")?,
        last_login: time(row, "lastlogin")?,
    })
}

/// Splits an identifier into a text and a number. An integer becomes the number of the user, any other text the
/// identifier.
fn identifier(value: &Value) -> Option<(Option<String>, Option<i64>)> {
    match value {
        Value::Number(number) => Some((None, Some(number.as_i64()?))),
        Value::String(text) => match text.parse() {
            Ok(number) => Some((None, Some(number))),
            Err(_) => Some((Some(text.clone()), None)),
        },
        _ => None,
    }
}

fn text(row: &Map<String, Value>, name: &str) -> Option<String> {
    row.get(name)?.as_str().map(str::to_owned)
}

/// Reads a Boolean. The outer `None` stands for an invalid value.
fn truth(row: &Map<String, Value>, name: &str) -> Option<Option<bool>> {
    match row.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::Bool(truth)) => Some(Some(*truth)),
        Some(Value::Number(number)) if number.as_i64() == Some(0) => Some(Some(false)),
        Some(Value::Number(number)) if number.as_i64() == Some(1) => Some(Some(true)),
        Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "t" | "yes" => Some(Some(true)),
            "false" | "0" | "f" | "no" => Some(Some(false)),
            _ => None,
        },
        Some(_) => None,
    }
}

/// Reads a time. The outer `None` stands for an invalid value. A time without a zone is in UTC, as Django stores it.
fn time(row: &Map<String, Value>, name: &str) -> Option<Option<DateTime<Utc>>> {
    let text = match row.get(name) {
        None | Some(Value::Null) => return Some(None),
        Some(value) => value.as_str()?,
    };
    let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).ok();
    let naive = || {
        let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
        formats.into_iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    };
    zoned.or_else(|| naive().map(|time| time.and_utc())).map(Some)
}
