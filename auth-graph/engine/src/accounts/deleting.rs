//! Deleting a user. A row with the identifier remains, so that no other user ever gets it.

use chrono::{DateTime, Utc};

use super::{Account, UserEdit, commit_edit, proof};
use crate::app::App;
use crate::callers::Actor;
use crate::callers::Device;
use crate::callers::Principal;
use model::error::Result;
use model::values::{Email, Password};
use store::users;

/// The extent to which a user is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// All data remains. No lookup finds the user, the user keeps the address, and an administrator can restore them.
    Restorable,
    /// Only the identifier, the version and the times remain. The address is free for another account.
    ForGood,
}

/// Deletes the caller's account permanently.
///
/// # Errors
/// As `proof::prove`; [`Error::Conflict`](model::error::Error::Conflict) for the last superuser.
pub async fn delete_own(app: &App, principal: &Principal, password: Option<&Password>, device: &Device) -> Result<()> {
    let user = proof::prove(app, principal, password, "password", device).await?;
    let actor = Actor::own(principal, device);
    let deleted = commit_edit(app, async |txn| {
        let mut edit = UserEdit::begin(app, &actor, txn, user.id).await?;
        mark(&mut edit.account, Deletion::ForGood, app.clock.now());
        edit.write("user.delete").await
    });
    deleted.await.map(drop)
}

/// Marks an account as deleted.
pub(crate) fn mark(account: &mut Account, deletion: Deletion, now: DateTime<Utc>) {
    let user = &mut account.user;
    user.deleted_at = Some(now);
    if deletion == Deletion::ForGood {
        *account = Account::new(users::Model {
            is_active: false,
            merged_into: user.merged_into,
            version: user.version,
            updated_at: user.updated_at,
            deleted_at: Some(now),
            erased_at: Some(now),
            ..users::Model::new(user.id, Email::nowhere(user.id), user.date_joined)
        });
    }
}
