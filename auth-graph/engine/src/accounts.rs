//! Accounts: what users do with their own, and finding and listing users.

mod account;
mod addresses;
mod consequences;
pub(crate) mod creating;
pub(crate) mod deleting;
mod easyjwt;
mod editing;
pub mod integer_id;
mod listing;
pub(crate) mod metadata;
mod password_rules;
pub(crate) mod passwords;
mod profile;
mod proof;
mod redeeming;
mod registration;

use std::collections::HashMap;

use sea_orm::{DbErr, SqlErr};
use secrecy::SecretString;

use super::callers::view::{Seen, View};
use super::callers::{Principal, authentication};
use crate::app::App;
use model::error::{Error, Result};
use model::values::{Email, UserId};
use store::users;

pub(crate) use account::{Account, Difference};
pub(crate) use editing::UserEdit;

pub use addresses::{confirm as confirm_address, request_change as request_address_change, request_verification};
pub use deleting::{Deletion, delete_own};
pub use easyjwt::{NewUnconfirmed, change_password_by_credentials, create_unconfirmed, require_creating};
pub use listing::{count, list};
pub use metadata::set_metadata;
pub use passwords::{change as change_password, request_reset as request_password_reset, reset as reset_password};
pub use profile::{ProfileChange, update_profile};
pub use registration::{NewRegistration, Registered, register};

/// Allows to read other users.
pub const USERS_READ: &str = "users:read";

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

/// The user of this identifier, if you may see them: yourself, or anyone with `users:read`, of whom a service client
/// may be shown some only. A stranger and nobody look the same. The identifier of a merged account leads to the one
/// that it has become part of.
///
/// # Errors
/// When the database fails.
pub async fn visible(app: &App, principal: Option<&Principal>, id: UserId) -> Result<Option<Seen>> {
    match principal {
        Some(principal) if principal.subject() == id || principal.has_scope(USERS_READ) => {
            shown(app, principal, id).await
        }
        _ => Ok(None),
    }
}

/// The user of this identifier as somebody is shown them who may ask.
///
/// # Errors
/// When the database fails.
pub(crate) async fn shown(app: &App, principal: &Principal, id: UserId) -> Result<Option<Seen>> {
    let view = View::of(app, principal).await?;
    Ok(users::find_or_successor(&app.db, id).await?.and_then(|user| view.see(app, user)))
}

/// Those among these identifiers whose users you may see, by the rule of [`visible`] and with as few queries as for
/// one.
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
    let found = users::find_among_or_successors(&app.db, seen).await?;
    Ok(found.into_iter().filter_map(|(id, user)| Some((id, view.see(app, user)?))).collect())
}

/// Whether the user of a token whose session has ended was disabled; none when there is no such user.
///
/// # Errors
/// When the database fails.
pub async fn is_disabled(app: &App, token: &SecretString) -> Result<Option<bool>> {
    let Some(id) = authentication::subject_of_revoked(app, token) else { return Ok(Some(false)) };
    Ok(users::find(&app.db, id).await?.map(|user| !user.is_active))
}

/// The user with this address, for the command line.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn by_email(app: &App, email: &Email) -> Result<users::Model> {
    users::find_by_email(&app.db, email).await?.ok_or(Error::NotFound)
}

/// The user of this identifier, for administrators.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn by_id(app: &App, id: UserId) -> Result<users::Model> {
    users::find(&app.db, id).await?.ok_or(Error::NotFound)
}

/// The error of a write that may find the address taken.
pub(crate) fn taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::Conflict("This e-mail address is taken."),
        _ => error.into(),
    }
}
