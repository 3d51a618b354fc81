//! Completes users who were imported before from another file of the same system: one has the names, the other the
//! hashes.
//!
//! A value that a user has is never replaced, and roles and scopes are never given. A user who was changed here since
//! the import stays as they are.

use sea_orm::DatabaseTransaction;
use serde_json::Value;

use super::row::Prepared;
use crate::accounts::account::Account;
use crate::accounts::editing::{Letters, UserEdit};
use crate::accounts::metadata;
use crate::app::App;
use crate::callers::Actor;
use model::error::Result;
use model::values::UserId;
use store::users;

/// Version of a user whom nobody has changed.
const UNCHANGED: i64 = 1;

/// Gives the users what they do not have yet, and returns how many got something.
pub(super) async fn complete(app: &App, txn: &DatabaseTransaction, rows: &[(UserId, &Prepared)]) -> Result<u64> {
    let (actor, mut completed) = (Actor::operator(), 0);
    for (id, row) in rows {
        let Some(user) = users::find_locked(txn, *id).await? else { continue };
        if user.version != UNCHANGED {
            continue;
        }
        let mut edit = UserEdit::of(app, &actor, txn, user).await?.with_letters(Letters::Omitted);
        fill(app, &mut edit.account, row);
        let (changed, aftermath) = edit.write("user.import").await?;
        // Nobody was signed in, and no mail waits.
        drop(aftermath);
        completed += u64::from(changed.user.version != UNCHANGED);
    }
    Ok(completed)
}

fn fill(app: &App, account: &mut Account, row: &Prepared) {
    let user = &mut account.user;
    // A user without a time of joining has that of the import.
    if row.has_joined && user.date_joined == user.updated_at {
        user.date_joined = row.user.date_joined;
    }
    if user.first_name.is_empty() && user.last_name.is_empty() {
        user.first_name.clone_from(&row.user.first_name);
        user.last_name.clone_from(&row.user.last_name);
    }
    user.phone_number = user.phone_number.take().or_else(|| row.user.phone_number.clone());
    user.locale = user.locale.take().or_else(|| row.user.locale.clone());
    user.last_login = user.last_login.or(row.user.last_login);
    user.email_verified |= row.user.email_verified;
    // One of the files says that the user is blocked.
    user.is_active &= row.user.is_active;
    if let Ok(metadata) = metadata::checked(app, with_missing(&user.metadata, &row.user.metadata)) {
        user.metadata = metadata;
    }
    let private = with_missing(&user.private_metadata, &row.user.private_metadata);
    if let Ok(metadata) = metadata::checked_private(app, private) {
        user.private_metadata = metadata;
    }
    let joined = user.updated_at;
    if let (None, Some(hash)) = (account.password(), &row.password) {
        account.set_password(hash.clone(), joined);
    }
}

/// Returns the members of both objects. Those of the first have precedence.
fn with_missing(present: &Value, further: &Value) -> Value {
    let mut members = further.as_object().cloned().unwrap_or_default();
    members.extend(present.as_object().cloned().unwrap_or_default());
    Value::Object(members)
}
