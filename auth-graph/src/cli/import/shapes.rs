//! Converts the columns of a row to a record, by the names that other systems give to them.
//!
//! Data about the identity or the permissions of a user becomes metadata with keys that begin with `_`, because users
//! cannot set those.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::fields::{self, Fields};
use super::times;
use engine::transfer::{Record, Refusal, Refused};

/// Names of a column, without separators and in lower case, the usual one first.
pub(super) const EMAIL: &[&str] = &["email", "emailaddress", "mail", "useremail", "primaryemail"];
pub(super) const USERNAME: &[&str] = &["username", "preferredusername", "cognitousername", "login"];
pub(super) const ID: &[&str] = &["id", "userid", "localid", "sub", "uid", "uuid"];
const PASSWORD_HASH: &[&str] =
    &["passwordhash", "password", "encryptedpassword", "hash", "hashedpassword", "passworddigest"];
const FIRST_NAME: &[&str] = &["firstname", "givenname", "forename"];
const LAST_NAME: &[&str] = &["lastname", "familyname", "surname"];
const PHONE_NUMBER: &[&str] = &["phonenumber", "phone", "mobile", "mobilephone", "telephone"];
const LOCALE: &[&str] = &["locale", "language", "lang", "preferredlanguage"];
const IS_ACTIVE: &[&str] = &["isactive", "active", "enabled", "isenabled"];
/// A column that says that the user must not sign in. It holds a flag, or the time since when.
const IS_INACTIVE: &[&str] = &[
    "deletedat",
    "deleted",
    "isdeleted",
    "removedat",
    "discardedat",
    "archivedat",
    "archived",
    "isarchived",
    "inactive",
    "isinactive",
    "blocked",
    "isblocked",
    "blockedat",
    "disabled",
    "isdisabled",
    "disabledat",
    "deactivated",
    "isdeactivated",
    "deactivatedat",
    "suspended",
    "issuspended",
    "suspendedat",
    "banned",
    "isbanned",
    "bannedat",
];
const IS_VERIFIED: &[&str] =
    &["verified", "isverified", "emailconfirmed", "confirmed", "emailconfirmedat", "emailverifiedat", "confirmedat"];
const DATE_JOINED: &[&str] =
    &["datejoined", "createdat", "created", "creationdate", "createdtimestamp", "usercreatedate", "joinedat"];
const LAST_LOGIN: &[&str] = &["lastlogin", "lastloginat", "currentsigninat", "lastsigninat", "lastsignedinat"];

/// Names that a heading must have one of, so that the rows can be users.
pub(super) fn can_be_a_user(key: &str) -> bool {
    EMAIL.contains(&key) || USERNAME.contains(&key)
}

/// Converts a row. Groups and permissions, and what is particular to a system, are left to the caller.
pub(super) fn person(fields: &mut Fields, now: DateTime<Utc>) -> Result<Record, Refusal> {
    let (id, counted) = fields.take(ID).map_or(Ok((None, None)), |id| identifier(&id))?;
    let number = match fields.take(&["number"]) {
        Some(number) => Some(integer(&number).ok_or(Refused::InvalidValue.of("number"))?),
        None => counted,
    };
    let email = fields.text(EMAIL, "email")?;
    // A value that is unclear keeps the user out.
    let is_inactive = fields.any(IS_INACTIVE, |value| fields::says(value).unwrap_or(true));
    let banned = fields.take(&["banneduntil"]).is_some_and(|until| times::time(&until).is_none_or(|until| until > now));
    let is_active = fields.flag(IS_ACTIVE, "is_active")?.unwrap_or(true) && !is_inactive && !banned;
    let verified = fields.take(&["emailverified", "isemailverified"]);
    let verified = verified.map(|value| fields::says(&value).ok_or(Refused::InvalidValue.of("email_verified")));
    let is_confirmed = fields.any(IS_VERIFIED, |value| fields::says(value).unwrap_or(false));
    let mut record = Record {
        id,
        number,
        email: email.unwrap_or_default(),
        username: fields.text(USERNAME, "username")?,
        password_hash: fields.text(PASSWORD_HASH, "password_hash")?,
        first_name: fields.text(FIRST_NAME, "first_name")?.unwrap_or_default(),
        last_name: fields.text(LAST_NAME, "last_name")?.unwrap_or_default(),
        phone_number: fields.digits(PHONE_NUMBER, "phone_number"),
        locale: fields.text(LOCALE, "locale")?,
        is_active,
        is_staff: fields.flag(&["isstaff"], "is_staff")?.unwrap_or(false),
        is_superuser: fields.flag(&["issuperuser"], "is_superuser")?.unwrap_or(false),
        email_verified: verified.transpose()?.unwrap_or(is_confirmed),
        roles: fields.list(&["roles"], "roles")?,
        scopes: fields.list(&["scopes"], "scopes")?,
        metadata: fields.object(&["metadata"], "metadata")?.unwrap_or_default().into_iter().collect(),
        private_metadata: fields
            .object(&["privatemetadata"], "private_metadata")?
            .unwrap_or_default()
            .into_iter()
            .collect(),
        date_joined: fields.time(DATE_JOINED, "date_joined")?,
        last_login: fields.time(LAST_LOGIN, "last_login")?,
    };
    // In Auth0 and Supabase, users can change their `user_metadata` but not their `app_metadata`.
    for (names, kept) in
        [(&["usermetadata", "rawusermetadata"], "user_metadata"), (&["appmetadata", "rawappmetadata"], "_app_metadata")]
    {
        if let Some(members) = fields.object(names, "metadata")? {
            record.metadata.insert(kept.to_owned(), Value::Object(members));
        }
    }
    if let Some(location) = fields.take(&["location"]) {
        record.metadata.insert("location".to_owned(), location);
    }
    record.metadata.append(&mut fields.metadata);
    record.private_metadata.append(&mut fields.private_metadata);
    Ok(record)
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => fields::integer(number),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Splits an identifier into a text and a number. An integer becomes the number of the user. A text stays a text,
/// unless it is written as the number itself is: `0042` is not 42.
fn identifier(value: &Value) -> Result<(Option<String>, Option<i64>), Refusal> {
    match value {
        Value::Number(number) => match fields::integer(number) {
            Some(number) => Ok((None, Some(number))),
            None => Err(Refused::InvalidValue.of("number")),
        },
        Value::String(text) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == *text => Ok((None, Some(number))),
            _ => Ok((Some(text.clone()), None)),
        },
        Value::Object(members) => match members.get("$oid").and_then(Value::as_str) {
            Some(text) => Ok((Some(text.to_owned()), None)),
            None => Err(Refused::InvalidValue.of("id")),
        },
        _ => Err(Refused::InvalidValue.of("id")),
    }
}
