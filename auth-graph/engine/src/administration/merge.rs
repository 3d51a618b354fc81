//! Merging two accounts of the same person.

use sea_orm::DatabaseTransaction;
use serde_json::Value;

use crate::accounts::editing::Aftermath;
use crate::accounts::{Deletion, UserEdit, deleting, metadata};
use crate::app::App;
use crate::callers::Actor;
use model::error::{Error, Result};
use model::values::UserId;
use store::{user_numbers, users};

/// Merges an account into another. The first account is deleted permanently, and its identifier leads to the second.
///
/// The second account gets what it lacks: given name, family name, phone number, language, and the members of the
/// metadata that are not reserved. Reserved members can mean a membership or a permission. It gets the earlier time of
/// joining, and the number of the first account unless it has one. It gets neither address, password, roles nor scopes.
///
/// # Errors
/// [`Error::NotFound`] when one of them does not exist; [`Error::ValidationFailed`] when they are the same, or their
/// metadata is too large together; [`Error::Forbidden`] when either may do more than the actor; [`Error::Conflict`]
/// when no active superuser would remain.
pub async fn merge(app: &App, actor: &Actor, id: UserId, into: UserId, reason: String) -> Result<users::Model> {
    if id == into {
        return Err(Error::invalid("into", "must be another user"));
    }
    let merging = store::transaction(&app.db, async |txn| write(app, actor, txn, [id, into], &reason).await);
    let (survivor, aftermaths) = merging.await?;
    for aftermath in aftermaths {
        aftermath.announce(app);
    }
    Ok(survivor)
}

/// Writes both changes in one transaction. Their aftermaths are announced after the commit.
async fn write(
    app: &App,
    actor: &Actor,
    txn: &DatabaseTransaction,
    [id, into]: [UserId; 2],
    reason: &str,
) -> Result<(users::Model, [Aftermath; 2])> {
    // The order is always the same, so that two requests that merge the same accounts do not deadlock.
    let earlier = users::find_locked(txn, id.min(into)).await?.ok_or(Error::NotFound)?;
    let later = users::find_locked(txn, id.max(into)).await?.ok_or(Error::NotFound)?;
    let (merged, survivor) = if earlier.id == id { (earlier, later) } else { (later, earlier) };
    let powers = actor.powers(app, txn).await?;
    for user in [&merged, &survivor] {
        powers.require_all_of(app, user)?;
    }
    let united = united(app, &merged, survivor.clone());
    let mut edit = UserEdit::of(app, actor, txn, merged).await?.because(Some(reason.to_owned()));
    edit.account.user.merged_into = Some(into);
    deleting::mark(&mut edit.account, Deletion::ForGood, app.clock.now());
    let (_, of_merged) = edit.write("user.merge").await?;
    user_numbers::pass_on(txn, id, into).await?;
    let edit = UserEdit::of(app, actor, txn, survivor).await?.because(Some(reason.to_owned()));
    let mut edit = edit.always_recorded();
    edit.account.user = users::Model {
        metadata: metadata::checked(app, united.metadata)?,
        private_metadata: metadata::checked_private(app, united.private_metadata)?,
        ..united
    };
    let (changed, of_survivor) = edit.write("user.merge").await?;
    Ok((changed.user, [of_merged, of_survivor]))
}

/// Returns the survivor with the data that only the other account has.
fn united(app: &App, merged: &users::Model, mut survivor: users::Model) -> users::Model {
    for (name, other) in [(&mut survivor.first_name, &merged.first_name), (&mut survivor.last_name, &merged.last_name)]
    {
        if name.is_empty() {
            name.clone_from(other);
        }
    }
    survivor.phone_number = survivor.phone_number.or_else(|| merged.phone_number.clone());
    survivor.locale = survivor.locale.or_else(|| merged.locale.clone());
    survivor.date_joined = survivor.date_joined.min(merged.date_joined);
    survivor.metadata = both(app, &merged.metadata, &survivor.metadata);
    survivor.private_metadata = both(app, &merged.private_metadata, &survivor.private_metadata);
    survivor
}

/// Returns the second object with the members of the first that it lacks and that are not reserved.
fn both(app: &App, one: &Value, other: &Value) -> Value {
    let mut members = one.as_object().cloned().unwrap_or_default();
    members.retain(|key, _| !app.config.accounts.reserves(key));
    members.extend(other.as_object().cloned().unwrap_or_default());
    members.into()
}
