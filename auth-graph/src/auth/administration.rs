//! What administrators do to accounts: one function for each, and one place for the rules that hold for them all.
//!
//! A change is looked at as a whole, by what a user is before and after it. Whoever may make it, what it ends, and what
//! is recorded follows from that.

mod create;
mod impersonation;
mod sessions;

use sea_orm::{DatabaseTransaction, DbErr, SqlErr};

use super::accounts::password_rules;
use super::actor::{Actor, Powers};
use super::audit::{self, Entry, facts};
use super::principal::scopes_of;
use super::projection::held_before;
use super::sessions::{Ended, Reason};
use crate::app::App;
use crate::error::{Error, Result};
use crate::store::changes::{self, Kind};
use crate::store::{self, change_head, users};
use crate::values::{Email, NewPassword, Scopes, UserId};

pub use create::{NewAccount, create};
pub use impersonation::{IMPERSONATE, Impersonation, impersonate};
pub use sessions::{list_sessions, revoke_all_sessions, revoke_session};

/// Allows to change other users.
pub const USERS_WRITE: &str = "users:write";

/// What shall be different about a user; none: it stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// The address.
    pub email: Option<Email>,
    /// Whether the address was shown to be the user's.
    pub email_verified: Option<bool>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Phone number; empty: none.
    pub phone_number: Option<String>,
    /// Whether they are staff.
    pub is_staff: Option<bool>,
    /// Whether they are a superuser.
    pub is_superuser: Option<bool>,
    /// What services keep with the user.
    pub metadata: Option<serde_json::Value>,
}

/// Changes a user.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user; [`Error::Forbidden`] when the actor would give or take over more
/// than they hold; [`Error::Conflict`] when the address is taken, or nobody would be left who may do everything;
/// [`Error::ValidationFailed`] for a bad value.
pub async fn update(app: &App, actor: &Actor, id: UserId, update: Update) -> Result<users::Model> {
    let first_name = update.first_name.map(|name| short("firstName", &name, 150)).transpose()?;
    let last_name = update.last_name.map(|name| short("lastName", &name, 150)).transpose()?;
    let phone_number = update.phone_number.map(|number| short("phoneNumber", &number, 32)).transpose()?;
    let metadata = update.metadata.map(metadata).transpose()?;
    change(app, actor, id, "user.update", None, |user| {
        if let Some(email) = update.email.filter(|email| *email != user.email) {
            user.email = email;
            user.email_verified = false;
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
        Ok(())
    })
    .await
}

/// Gives a user other roles and scopes. What the tokens of the user allow follows at their next refresh.
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
        Ok(())
    })
    .await
}

/// Forbids a user to sign in, and ends all their sessions.
///
/// # Errors
/// As [`update`].
pub async fn disable(app: &App, actor: &Actor, id: UserId, reason: Option<String>) -> Result<users::Model> {
    let edit = |user: &mut users::Model| {
        user.is_active = false;
        Ok(())
    };
    change(app, actor, id, "user.disable", reason, edit).await
}

/// Lets a disabled user sign in again. Sessions that have ended stay ended.
///
/// # Errors
/// As [`update`].
pub async fn enable(app: &App, actor: &Actor, id: UserId) -> Result<users::Model> {
    let edit = |user: &mut users::Model| {
        user.is_active = true;
        Ok(())
    };
    change(app, actor, id, "user.enable", None, edit).await
}

/// Deletes a user: they are found by nothing any more, their sessions end, and [`restore`] can undo it. Their address
/// stays theirs.
///
/// # Errors
/// As [`update`].
pub async fn delete(app: &App, actor: &Actor, id: UserId, reason: Option<String>) -> Result<users::Model> {
    let now = app.clock.now();
    let edit = |user: &mut users::Model| {
        user.deleted_at = Some(now);
        Ok(())
    };
    change(app, actor, id, "user.delete", reason, edit).await
}

/// Brings a deleted user back.
///
/// # Errors
/// [`Error::NotFound`] when there is no such deleted user; as [`update`].
pub async fn restore(app: &App, actor: &Actor, id: UserId) -> Result<users::Model> {
    let txn = store::begin(&app.db).await?;
    let user = users::find_deleted_locked(&txn, id).await?.ok_or(Error::NotFound)?;
    let edit = |user: &mut users::Model| {
        user.deleted_at = None;
        Ok(())
    };
    write(app, actor, txn, user, "user.restore", None, edit).await
}

/// Sets a user's password and ends all their sessions.
///
/// # Errors
/// As [`update`]; [`Error::ValidationFailed`] for a password that is easy to guess; [`Error::Unavailable`] when too many
/// passwords are being hashed.
pub async fn set_password(app: &App, actor: &Actor, id: UserId, password: &NewPassword) -> Result<users::Model> {
    let user = users::find(&app.db, id).await?.ok_or(Error::NotFound)?;
    password_rules::check(app, password, &user.email, [&user.first_name, &user.last_name]).await?;
    let hash = app.passwords.hash(password.as_secret()).await?;
    let edit = |user: &mut users::Model| {
        user.password_hash = Some(hash);
        Ok(())
    };
    change(app, actor, id, "user.set_password", None, edit).await
}

/// Takes a user's password away and ends all their sessions: they sign in again once they have reset it.
///
/// # Errors
/// As [`update`].
pub async fn force_password_reset(
    app: &App,
    actor: &Actor,
    id: UserId,
    reason: Option<String>,
) -> Result<users::Model> {
    let edit = |user: &mut users::Model| {
        user.password_hash = None;
        Ok(())
    };
    change(app, actor, id, "user.force_password_reset", reason, edit).await
}

async fn change(
    app: &App,
    actor: &Actor,
    id: UserId,
    action: &'static str,
    reason: Option<String>,
    edit: impl FnOnce(&mut users::Model) -> Result<()>,
) -> Result<users::Model> {
    let txn = store::begin(&app.db).await?;
    let user = users::find_locked(&txn, id).await?.ok_or(Error::NotFound)?;
    write(app, actor, txn, user, action, reason, edit).await
}

/// Changes a user whose row is locked, and everything that goes with it. What changes nothing is not written.
async fn write(
    app: &App,
    actor: &Actor,
    txn: DatabaseTransaction,
    before: users::Model,
    action: &'static str,
    reason: Option<String>,
    edit: impl FnOnce(&mut users::Model) -> Result<()>,
) -> Result<users::Model> {
    let powers = actor.powers(app, &txn).await?;
    let mut after = before.clone();
    edit(&mut after)?;
    permit(app, &powers, &before, &after)?;
    if after == before {
        txn.rollback().await?;
        return Ok(before);
    }
    let now = app.clock.now();
    after.updated_at = now;
    after.version += 1;
    users::update(&txn, &after).await.map_err(taken)?;
    let ended = match ending(&before, &after) {
        Some(reason) => Some(Ended::all_of(&txn, after.id, reason, now).await?),
        None => None,
    };
    let entry = Entry {
        action,
        target_kind: "user",
        target_id: after.id.to_string(),
        before: facts(&before),
        after: facts(&after),
        reason,
    };
    audit::record(app, &txn, actor, entry).await?;
    if is_guardian(&before) && !is_guardian(&after) {
        // Two who demote each other at once take turns here, and the second finds nobody left.
        change_head::lock(&txn).await?;
        if users::count_superusers(&txn).await? == 0 {
            return Err(Error::Conflict("Nobody would be left who may do everything."));
        }
    }
    let kind = if after.deleted_at.is_some() { Kind::UserDeleted } else { Kind::UserUpdated };
    changes::append_edit(&txn, kind, &after, held_before(app, &before, &after)).await?;
    txn.commit().await?;
    match ended {
        Some(ended) => ended.announce(app),
        None => app.changed.notify_one(),
    }
    Ok(after)
}

/// Whether an actor may make a change.
fn permit(app: &App, powers: &Powers, before: &users::Model, after: &users::Model) -> Result<()> {
    if powers.are_complete() {
        return Ok(());
    }
    let flags = (before.is_staff, before.is_superuser) != (after.is_staff, after.is_superuser);
    if before.is_superuser || flags {
        return Err(Error::Forbidden);
    }
    let (held, gets) = (scopes_of(app, before), scopes_of(app, after));
    // Whoever sets how somebody signs in can sign in as them.
    let takes_over = before.email != after.email || before.password_hash != after.password_hash;
    if takes_over {
        powers.cover(&held)?;
    }
    powers.cover(&gets.iter().filter(|scope| !held.contains(scope.as_str())).cloned().collect())
}

/// Why a change ends the sessions of the user, if it does.
fn ending(before: &users::Model, after: &users::Model) -> Option<Reason> {
    if after.deleted_at.is_some() {
        Some(Reason::Deleted)
    } else if before.is_active && !after.is_active {
        Some(Reason::Disabled)
    } else if before.password_hash != after.password_hash {
        Some(Reason::PasswordChanged)
    } else {
        None
    }
}

/// Whether it is somebody who may do everything, and can.
fn is_guardian(user: &users::Model) -> bool {
    user.is_superuser && user.is_active && user.deleted_at.is_none()
}

/// Roles that the configuration has. The flags stand for `staff` and `superuser`, which are no roles to be listed.
fn known_roles(app: &App, mut roles: Vec<String>) -> Result<serde_json::Value> {
    let known = |role: &String| app.config.roles.contains_key(role) && role != "staff" && role != "superuser";
    if !roles.iter().all(known) {
        return Err(Error::invalid("roles", "must be roles of the configuration; staff and superuser are flags"));
    }
    roles.sort();
    roles.dedup();
    Ok(serde_json::json!(roles))
}

/// An object of at most 16 KiB.
fn metadata(value: serde_json::Value) -> Result<serde_json::Value> {
    match value.is_object() && value.to_string().len() <= 16 * 1024 && !value.to_string().contains("\\u0000") {
        true => Ok(value),
        false => Err(Error::invalid("metadata", "must be an object of at most 16 KiB, without the character NUL")),
    }
}

fn short(field: &'static str, text: &str, most: usize) -> Result<String> {
    let text = text.trim();
    if text.chars().count() <= most && !text.contains(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid(field, format!("must have at most {most} characters, and none that controls")))
    }
}

fn taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::Conflict("This e-mail address is taken."),
        _ => error.into(),
    }
}
