//! Accounts: operations of users on their own account, and finding and listing users.

pub(crate) mod account;
mod addresses;
mod consequences;
pub(crate) mod creating;
pub(crate) mod deleting;
pub(crate) mod editing;
mod listing;
pub(crate) mod metadata;
pub(crate) mod password_rules;
mod password_score;
pub(crate) mod passwords;
mod profile;
mod proof;
mod redeeming;
mod registration;

use std::collections::HashMap;

use sea_orm::{DbErr, SqlErr};

use super::callers::Principal;
use super::callers::view::{UserView, VisibleUser};
use crate::app::App;
use model::error::{Error, Result};
use model::values::{Email, UserId, Username};
use store::users;

pub(crate) use account::{Account, Difference};
pub(crate) use editing::{UserEdit, commit_edit};

pub use addresses::{confirm as confirm_address, request_change as request_address_change, request_verification};
pub use deleting::{Deletion, delete_own};
pub use listing::{count, fill_search_keys, list};
pub use metadata::set_metadata;
pub use passwords::{change as change_password, request_reset as request_password_reset, reset as reset_password};
pub use profile::{ProfileChange, update_profile};
pub use redeeming::inspect as inspect_one_time_token;
pub use registration::{NewRegistration, Registered, register};

/// Scope that allows reading other users.
pub const USERS_READ: &str = "users:read";

/// The rank of a user, which their flags express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Neither staff nor superuser.
    User,
    /// Staff, but no superuser.
    Staff,
    /// Staff and superuser.
    Superuser,
}

/// Returns the user with this identifier, if the caller may see them: the caller themselves, or any user with
/// `users:read`. A service client can be limited to some users. A hidden user and a missing one give the same answer.
/// The identifier of a merged account leads to the account that it was merged into.
pub async fn visible(app: &App, principal: Option<&Principal>, id: UserId) -> Result<Option<VisibleUser>> {
    match principal {
        Some(principal) if principal.user() == Some(id) || principal.has_scope(USERS_READ) => {
            shown(app, principal, id).await
        }
        _ => Ok(None),
    }
}

/// Returns the user with this identifier as shown to a reader who may ask for users.
pub(crate) async fn shown(app: &App, principal: &Principal, id: UserId) -> Result<Option<VisibleUser>> {
    let view = UserView::of(app, principal).await?;
    Ok(users::find_or_successor(&app.db, id).await?.and_then(|user| view.see(app, user)))
}

/// Returns the profile of the user with this identifier, by the rule of [`profiles`].
pub async fn profile(app: &App, principal: &Principal, id: UserId) -> Result<Option<VisibleUser>> {
    Ok(profiles(app, principal, &[id]).await?.remove(&id))
}

/// Returns the users among these identifiers, with as few queries as for one user. Users whom [`visible`] returns have
/// every field, and all others have the fields that the configuration makes public. If none is, they are not even
/// looked for: the answer and its time are those for a user who does not exist.
pub async fn profiles(app: &App, principal: &Principal, ids: &[UserId]) -> Result<HashMap<UserId, VisibleUser>> {
    let (everybody, public) = (principal.has_scope(USERS_READ), &app.config.users.public_fields);
    let is_whole = |id: UserId| everybody || principal.user() == Some(id);
    let mut seen: Vec<UserId> = ids.iter().copied().filter(|id| is_whole(*id) || !public.is_empty()).collect();
    seen.sort_unstable();
    seen.dedup();
    if seen.is_empty() {
        return Ok(HashMap::new());
    }
    let whole = UserView::of(app, principal).await?;
    let limited = whole.limited_to(public);
    let found = users::find_among_or_successors(&app.db, seen).await?;
    let see = |user: users::Model| if is_whole(user.id) { whole.see(app, user) } else { limited.see(app, user) };
    Ok(found.into_iter().filter_map(|(id, user)| Some((id, see(user)?))).collect())
}

/// Returns the user with this address.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user.
pub async fn by_email(app: &App, email: &Email) -> Result<users::Model> {
    users::find_by_email(&app.db, email).await?.ok_or(Error::NotFound)
}

/// Returns the user with this address or user name, for the command line.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user; [`Error::ValidationFailed`] when the text is neither.
pub async fn by_name(app: &App, text: &str) -> Result<users::Model> {
    let email = text.parse::<Email>();
    if let Ok(email) = &email
        && let Some(user) = users::find_by_email(&app.db, email).await?
    {
        return Ok(user);
    }
    match text.parse::<Username>() {
        Ok(name) if app.config.accounts.usernames => {
            users::find_by_username(&app.db, &name).await?.ok_or(Error::NotFound)
        }
        _ if email.is_ok() => Err(Error::NotFound),
        _ => Err(Error::invalid("user", "must be an e-mail address or an identifier, or a user name if there are any")),
    }
}

/// Returns the user with this identifier, for administrators.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user.
pub async fn by_id(app: &App, id: UserId) -> Result<users::Model> {
    users::find(&app.db, id).await?.ok_or(Error::NotFound)
}

/// Returns the error of a write that may find the address taken.
pub(crate) fn taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(constraint)) => Error::Conflict(match constraint.contains("username") {
            true => "This user name is taken.",
            false => "This e-mail address is taken.",
        }),
        _ => error.into(),
    }
}
