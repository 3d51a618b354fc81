//! Changes that administrators make to accounts: one function for each, and one place for the rules that apply to all.
//!
//! A change is judged as a whole, by the user before and after it. Both the permission of the actor and the
//! consequences of the change follow from that difference.

#[cfg(test)]
mod account_rules;
mod create;
mod deleted;
mod impersonation;
mod invitation;
mod merge;
mod sessions;

use sea_orm::DatabaseTransaction;

use super::accounts::editing::{Aftermath, Changed};
use super::accounts::{Account, Deletion, Difference, UserEdit, commit_edit, deleting, metadata, passwords};
use super::callers::actor::Actor;
use super::callers::powers::Powers;
use super::signing_in::require_usernames;
use crate::app::App;
use model::error::{Error, Result};
use model::values::{Email, NewPassword, PersonName, Scopes, UserId, Username};
use store::users;

pub use create::{NewAccount, create};
pub use deleted::{deleted_by_email, list_deleted};
pub use impersonation::{IMPERSONATE, Impersonation, Impersonator, impersonate};
pub use invitation::invite;
pub use merge::merge;
pub use sessions::{list_sessions, revoke_all_sessions, revoke_session};

/// Scope that allows changing other users.
pub const USERS_WRITE: &str = "users:write";

/// Changes to a user; a field without a value stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// E-mail address.
    pub email: Option<Email>,
    /// Name to sign in with; an empty one removes it.
    pub username: Option<String>,
    /// Verification state of the address.
    pub email_verified: Option<bool>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Phone number; an empty one removes it.
    pub phone_number: Option<String>,
    /// Staff flag.
    pub is_staff: Option<bool>,
    /// Superuser flag.
    pub is_superuser: Option<bool>,
    /// Metadata that services store with the user.
    pub metadata: Option<serde_json::Value>,
    /// Metadata that only administrators see.
    pub private_metadata: Option<serde_json::Value>,
}

/// Changes a user.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user; [`Error::Forbidden`] when the actor would give or take over more
/// than they hold; [`Error::Conflict`] when the address is taken, or no active superuser would remain;
/// [`Error::ValidationFailed`] for a bad value.
pub async fn update(app: &App, actor: &Actor, id: UserId, update: Update) -> Result<users::Model> {
    let username = update.username.map(|name| username(app, &name)).transpose()?;
    let first_name = update.first_name.map(|name| person_name("firstName", &name)).transpose()?;
    let last_name = update.last_name.map(|name| person_name("lastName", &name)).transpose()?;
    let phone_number = update.phone_number.map(|number| phone_number(&number)).transpose()?;
    let metadata = update.metadata.map(|metadata| metadata::checked(app, metadata)).transpose()?;
    let private_metadata =
        update.private_metadata.map(|metadata| metadata::checked_private(app, metadata)).transpose()?;
    change(app, actor, id, "user.update", None, |user| {
        if let Some(email) = update.email.filter(|email| *email != user.email) {
            user.email = email;
            user.email_verified = false;
        }
        if let Some(name) = username {
            user.username = name;
        }
        user.email_verified = update.email_verified.unwrap_or(user.email_verified);
        user.is_staff = update.is_staff.unwrap_or(user.is_staff);
        user.is_superuser = update.is_superuser.unwrap_or(user.is_superuser);
        user.first_name = first_name.unwrap_or_else(|| std::mem::take(&mut user.first_name));
        user.last_name = last_name.unwrap_or_else(|| std::mem::take(&mut user.last_name));
        if let Some(number) = phone_number {
            user.phone_number = Some(number).filter(|number| !number.is_empty());
        }
        user.metadata = metadata.unwrap_or_else(|| user.metadata.take());
        user.private_metadata = private_metadata.unwrap_or_else(|| user.private_metadata.take());
    })
    .await
}

/// Sets the roles and scopes of a user. The user's tokens follow at their next refresh.
///
/// # Errors
/// As [`update`]; [`Error::ValidationFailed`] for a role that the configuration does not have.
pub async fn set_roles(
    app: &App,
    actor: &Actor,
    id: UserId,
    roles: Vec<String>,
    scopes: Scopes,
) -> Result<users::Model> {
    let roles = known_roles(app, roles)?;
    change(app, actor, id, "user.set_roles", None, |user| {
        user.roles = roles;
        user.scopes = scopes;
    })
    .await
}

/// Disables a user, who can then no longer sign in, and ends all their sessions.
///
/// # Errors
/// As [`update`].
pub async fn disable(app: &App, actor: &Actor, id: UserId, reason: Option<String>) -> Result<users::Model> {
    change(app, actor, id, "user.disable", reason, |user| user.is_active = false).await
}

/// Enables a disabled user, who can then sign in again. Sessions that have ended stay ended.
///
/// # Errors
/// As [`update`].
pub async fn enable(app: &App, actor: &Actor, id: UserId) -> Result<users::Model> {
    change(app, actor, id, "user.enable", None, |user| user.is_active = true).await
}

/// Deletes a user and ends their sessions. No lookup finds the user any more.
///
/// [`restore`] can undo it, unless the deletion is permanent. A deleted user can still be deleted permanently.
///
/// # Errors
/// As [`update`].
pub async fn delete(
    app: &App,
    actor: &Actor,
    id: UserId,
    deletion: Deletion,
    reason: Option<String>,
) -> Result<users::Model> {
    let deleted = commit_edit(app, async |txn| {
        let user = match deletion {
            Deletion::Restorable => users::find_locked(txn, id).await?,
            Deletion::ForGood => users::find_unerased_locked(txn, id).await?,
        };
        let edit = UserEdit::of(app, actor, txn, user.ok_or(Error::NotFound)?).await?;
        let mut edit = edit.because(reason);
        deleting::mark(&mut edit.account, deletion, app.clock.now());
        finish(app, actor, txn, edit, "user.delete").await
    });
    Ok(deleted.await?.user)
}

/// Restores a deleted user.
///
/// # Errors
/// [`Error::NotFound`] when there is no such deleted user, or they were deleted permanently; as [`update`].
pub async fn restore(app: &App, actor: &Actor, id: UserId) -> Result<users::Model> {
    let restored = commit_edit(app, async |txn| {
        let user = users::find_deleted_locked(txn, id).await?.ok_or(Error::NotFound)?;
        let mut edit = UserEdit::of(app, actor, txn, user).await?;
        edit.account.user.deleted_at = None;
        finish(app, actor, txn, edit, "user.restore").await
    });
    Ok(restored.await?.user)
}

/// Sets a user's password and ends all their sessions.
///
/// # Errors
/// As [`update`]; [`Error::ValidationFailed`] for a password that is easy to guess; [`Error::Unavailable`] when too
/// many passwords are being hashed.
pub async fn set_password(app: &App, actor: &Actor, id: UserId, password: &NewPassword) -> Result<users::Model> {
    let user = users::find(&app.db, id).await?.ok_or(Error::NotFound)?;
    let hash = passwords::hash(app, &user, password).await?;
    let now = app.clock.now();
    change_account(app, actor, id, "user.set_password", None, |account| account.set_password(hash, now)).await
}

/// Removes a user's password and ends all their sessions. The user gets a mail with a link that sets a new password.
///
/// # Errors
/// As [`update`].
pub async fn force_password_reset(
    app: &App,
    actor: &Actor,
    id: UserId,
    reason: Option<String>,
) -> Result<users::Model> {
    change_account(app, actor, id, "user.force_password_reset", reason, Account::remove_password).await
}

async fn change(
    app: &App,
    actor: &Actor,
    id: UserId,
    action: &'static str,
    reason: Option<String>,
    edit: impl FnOnce(&mut users::Model) + Clone,
) -> Result<users::Model> {
    change_account(app, actor, id, action, reason, |account| edit(&mut account.user)).await
}

async fn change_account(
    app: &App,
    actor: &Actor,
    id: UserId,
    action: &'static str,
    reason: Option<String>,
    edit: impl FnOnce(&mut Account) + Clone,
) -> Result<users::Model> {
    let changed = commit_edit(app, async |txn| {
        let mut begun = UserEdit::begin(app, actor, txn, id).await?.because(reason);
        edit(&mut begun.account);
        finish(app, actor, txn, begun, action).await
    });
    Ok(changed.await?.user)
}

/// Makes a change, if the actor may make it.
async fn finish(
    app: &App,
    actor: &Actor,
    txn: &DatabaseTransaction,
    edit: UserEdit<'_>,
    action: &'static str,
) -> Result<(Changed, Aftermath)> {
    let powers = actor.powers(app, txn).await?;
    permit(app, &powers, edit.difference())?;
    let after = &edit.account.user;
    if after.email.is_missing() && after.username.is_none() {
        return Err(Error::invalid("username", "is all that this user signs in with: set an e-mail address first"));
    }
    edit.write(action).await
}

/// Checks that an actor may make a change.
fn permit(app: &App, powers: &Powers, difference: Difference<'_>) -> Result<()> {
    let (before, after) = (&difference.before.user, &difference.after.user);
    if before.is_superuser && !powers.is_everything() {
        return Err(Error::Forbidden);
    }
    if difference.beyond_profile() {
        powers.require_all_of(app, before)?;
    }
    powers.require_difference(app, before, after)
}

/// Returns the roles, once it has checked that the configuration has them. The flags express `staff` and `superuser`,
/// so these are not listed as roles.
fn known_roles(app: &App, mut roles: Vec<String>) -> Result<serde_json::Value> {
    let known = |role: &String| app.config.roles.contains_key(role) && !users::is_flag(role);
    if !roles.iter().all(known) {
        return Err(Error::invalid("roles", "must be roles of the configuration; staff and superuser are flags"));
    }
    roles.sort();
    roles.dedup();
    Ok(serde_json::json!(roles))
}

/// Parses a user name; an empty text stands for none.
fn username(app: &App, text: &str) -> Result<Option<Username>> {
    if text.is_empty() {
        return Ok(None);
    }
    require_usernames(app)?;
    text.parse().map(Some)
}

fn person_name(field: &'static str, text: &str) -> Result<String> {
    text.parse().map(PersonName::into_string).map_err(|error| error.about(field))
}

/// Parses a phone number. Administrators may enter a number as another system writes it.
fn phone_number(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() <= 32 && !text.contains(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid("phoneNumber", "must have at most 32 characters, and none that is invisible"))
    }
}
