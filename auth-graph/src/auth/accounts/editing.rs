//! Changing a user: the row, its version, the change in the outbox and the sessions that end with it, in one
//! transaction.
//!
//! Whatever changes a user goes through here, so that no copy elsewhere misses it. What may be changed by whom is for the
//! callers.

use chrono::{DateTime, Utc};
use sea_orm::DatabaseTransaction;

use super::taken;
use crate::app::App;
use crate::auth::projection::held_before;
use crate::auth::sessions::{Ended, Reason};
use crate::error::{Error, Result};
use crate::store::changes::{self, Kind};
use crate::store::{self, users};
use crate::values::UserId;

/// A change that has begun: the user's row is locked. Dropping it changes nothing.
#[derive(Debug)]
#[must_use = "commit it"]
pub(crate) struct UserEdit {
    txn: DatabaseTransaction,
    before: users::Model,
    /// The user as they shall be.
    pub(crate) user: users::Model,
    ending: Option<Reason>,
    now: DateTime<Utc>,
}

impl UserEdit {
    /// Begins to change a user in a transaction of its own.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub(crate) async fn begin(app: &App, id: UserId) -> Result<Self> {
        Self::within(store::begin(&app.db).await?, id, app.clock.now()).await
    }

    /// Begins to change a user in a transaction that has begun, and may have read but not locked anything.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub(crate) async fn within(txn: DatabaseTransaction, id: UserId, now: DateTime<Utc>) -> Result<Self> {
        let user = users::find_locked(&txn, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { before: user.clone(), user, txn, ending: None, now })
    }

    /// The transaction, for what belongs to the change.
    pub(crate) fn txn(&self) -> &DatabaseTransaction {
        &self.txn
    }

    /// The user as they were.
    pub(crate) fn before(&self) -> &users::Model {
        &self.before
    }

    /// All sessions of the user end with the change.
    pub(crate) fn end_sessions(&mut self, reason: Reason) {
        self.ending = Some(reason);
    }

    /// Makes the change, and tells everybody who must know. Without a difference nothing is written but the end of the
    /// sessions.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the new address is taken, or nobody would be left who may do everything.
    pub(crate) async fn commit(mut self, app: &App) -> Result<(users::Model, usize)> {
        let differs = self.user != self.before;
        if differs {
            self.user.version = self.before.version + 1;
            self.user.updated_at = self.now;
            users::update(&self.txn, &self.user).await.map_err(taken)?;
        }
        let ended = match self.ending {
            Some(reason) => Ended::all_of(&self.txn, self.user.id, reason, self.now).await?,
            None => Ended::none(self.now),
        };
        if differs {
            let kind = if self.user.deleted_at.is_some() { Kind::UserDeleted } else { Kind::UserUpdated };
            changes::append_edit(&self.txn, kind, &self.user, held_before(app, &self.before, &self.user)).await?;
            // Changes take turns from here on, so that two superusers can not remove each other.
            let was = self.before.is_superuser && self.before.is_active;
            let is = self.user.is_superuser && self.user.is_active && self.user.deleted_at.is_none();
            if was && !is && users::count_superusers(&self.txn).await? == 0 {
                return Err(Error::Conflict("The last superuser must stay."));
            }
        }
        self.txn.commit().await?;
        let count = ended.count();
        ended.announce(app);
        Ok((self.user, count))
    }
}
