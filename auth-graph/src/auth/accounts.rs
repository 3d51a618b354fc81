//! Accounts: making, finding, listing and disabling users.

mod addresses;
pub(crate) mod editing;
mod listing;
pub(crate) mod password_rules;
mod passwords;
mod profile;
mod proof;
mod redeeming;
mod registration;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, Set, SqlErr};
use serde_json::json;

use super::Principal;
use super::projection::{Seen, View};
use super::sessions::Reason;
use crate::app::App;
use crate::error::{Error, Result};
use crate::store::changes::{self, Kind};
use crate::store::{self, users};
use crate::values::{Email, Locale, NewPassword, Scopes, UserId};

pub(crate) use editing::UserEdit;

pub use addresses::{confirm as confirm_address, request_change as request_address_change, request_verification};
pub use listing::{count, list};
pub use passwords::{
    change as change_password, request_reset as request_password_reset, reset as reset_password, set as set_password,
};
pub use profile::{ProfileChange, delete, delete_own, set_metadata, update_profile};
pub use registration::{NewRegistration, Registered, invite, register};

/// Allows to read other users.
pub const USERS_READ: &str = "users:read";

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Their address, which nobody else may have.
    pub email: Email,
    /// Their password.
    pub password: NewPassword,
    /// Given name, may be empty.
    pub first_name: String,
    /// Family name, may be empty.
    pub last_name: String,
    /// What they may do.
    pub rank: Rank,
}

/// What the flags of a user say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Neither staff nor superuser.
    User,
    /// Staff.
    Staff,
    /// Staff and superuser.
    Superuser,
}

/// Makes a user.
///
/// # Errors
/// [`Error::Conflict`] when the address is taken; [`Error::ValidationFailed`] for a password from our documentation,
/// outside the demo; [`Error::Unavailable`] when too many passwords are being hashed.
pub async fn create(app: &App, new: NewUser) -> Result<users::Model> {
    password_rules::check(app, &new.password, &new.email, [&new.first_name, &new.last_name]).await?;
    let hash = app.passwords.hash(new.password.as_secret()).await?;
    let now = app.clock.now();
    let (first_name, last_name, rank) = (new.first_name, new.last_name, new.rank);
    let row = Row { first_name, last_name, rank, ..Row::new(new.email, hash) };
    let txn = store::begin(&app.db).await?;
    let user = insert(&txn, row, now).await?;
    txn.commit().await?;
    app.changed.notify_one();
    Ok(user)
}

/// A user to be written; the password is good and hashed.
pub(crate) struct Row {
    email: Email,
    email_verified: bool,
    password_hash: String,
    first_name: String,
    last_name: String,
    locale: Option<Locale>,
    rank: Rank,
}

impl Row {
    fn new(email: Email, password_hash: String) -> Self {
        let (first_name, last_name) = (String::new(), String::new());
        Self { email, email_verified: false, password_hash, first_name, last_name, locale: None, rank: Rank::User }
    }
}

/// Writes a user and the change that tells of them.
///
/// # Errors
/// [`Error::Conflict`] when the address is taken.
async fn insert(txn: &impl ConnectionTrait, new: Row, now: DateTime<Utc>) -> Result<users::Model> {
    let row = users::ActiveModel {
        id: Set(UserId::generate(now)),
        email: Set(new.email),
        password_hash: Set(Some(new.password_hash)),
        first_name: Set(new.first_name),
        last_name: Set(new.last_name),
        phone_number: Set(None),
        locale: Set(new.locale),
        is_active: Set(true),
        is_staff: Set(new.rank != Rank::User),
        is_superuser: Set(new.rank == Rank::Superuser),
        email_verified: Set(new.email_verified),
        roles: Set(json!([])),
        scopes: Set(Scopes::default()),
        metadata: Set(json!({})),
        date_joined: Set(now),
        last_login: Set(None),
        updated_at: Set(now),
        version: Set(1),
        deleted_at: Set(None),
    };
    let user = users::insert(txn, row).await.map_err(taken)?;
    changes::append(txn, Kind::UserCreated, user.id, None, user.version, now).await?;
    Ok(user)
}

/// The user of this identifier, if you may see them: yourself, or anyone with `users:read`, of whom a service client may
/// be shown some only. A stranger and nobody look the same.
///
/// # Errors
/// When the database fails.
pub async fn visible(app: &App, principal: Option<&Principal>, id: UserId) -> Result<Option<Seen>> {
    match principal {
        Some(principal) if principal.subject() == id || principal.has_scope(USERS_READ) => {
            let view = View::of(app, principal).await?;
            Ok(users::find(&app.db, id).await?.and_then(|user| view.see(app, user)))
        }
        _ => Ok(None),
    }
}

/// Those among these identifiers whose users you may see, by the rule of [`visible`] and with one query.
///
/// # Errors
/// When the database fails.
pub async fn visible_among(app: &App, principal: Option<&Principal>, ids: &[UserId]) -> Result<HashMap<UserId, Seen>> {
    let Some(principal) = principal else { return Ok(HashMap::new()) };
    let everybody = principal.has_scope(USERS_READ);
    let mut seen: Vec<UserId> = ids.iter().copied().filter(|id| everybody || *id == principal.subject()).collect();
    seen.sort_unstable();
    seen.dedup();
    if seen.is_empty() {
        return Ok(HashMap::new());
    }
    let view = View::of(app, principal).await?;
    let found = users::find_among(&app.db, seen).await?;
    Ok(found.into_iter().filter_map(|user| view.see(app, user)).map(|seen| (seen.user.id, seen)).collect())
}

/// The user with this address, for the command line.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn by_email(app: &App, email: &Email) -> Result<users::Model> {
    users::find_by_email(&app.db, email).await?.ok_or(Error::NotFound)
}

/// The user of this identifier, for the command line.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn by_id(app: &App, id: UserId) -> Result<users::Model> {
    users::find(&app.db, id).await?.ok_or(Error::NotFound)
}

/// Disables a user and ends all their sessions; again, if they were disabled before.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user; [`Error::Conflict`] for the last superuser.
pub async fn disable(app: &App, id: UserId) -> Result<users::Model> {
    let mut edit = UserEdit::begin(app, id).await?;
    edit.user.is_active = false;
    edit.end_sessions(Reason::Disabled);
    Ok(edit.commit(app).await?.0)
}

/// Lets a disabled user sign in again. Sessions that have ended stay ended.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user.
pub async fn enable(app: &App, id: UserId) -> Result<users::Model> {
    let mut edit = UserEdit::begin(app, id).await?;
    edit.user.is_active = true;
    Ok(edit.commit(app).await?.0)
}

fn taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::Conflict("This e-mail address is taken."),
        _ => error.into(),
    }
}
