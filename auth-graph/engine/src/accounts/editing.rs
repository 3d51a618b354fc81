//! Changing a user: the row, its version, what follows from the change, the audit record and the change in the outbox,
//! in one transaction.
//!
//! Whatever changes a user goes through here, so that it is recorded and no copy elsewhere misses it. What may be
//! changed by whom is for the callers.

use chrono::{DateTime, Utc};
use sea_orm::DatabaseTransaction;

use super::{consequences, taken};
use crate::app::App;
use crate::audit;
use crate::callers::Actor;
use crate::callers::view::held_before;
use crate::sessions::Ended;
use model::error::{Error, Result};
use model::values::UserId;
use store::changes::{self, Kind};
use store::users;

/// A change that has begun: the user's row is locked. Dropping it changes nothing.
#[derive(Debug)]
#[must_use = "commit it"]
pub(crate) struct UserEdit<'a> {
    app: &'a App,
    actor: &'a Actor,
    txn: DatabaseTransaction,
    before: users::Model,
    /// The user as they shall be.
    pub(crate) user: users::Model,
    reason: Option<String>,
    now: DateTime<Utc>,
}

impl<'a> UserEdit<'a> {
    /// Begins to change a user in a transaction of its own.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub(crate) async fn begin(app: &'a App, actor: &'a Actor, id: UserId) -> Result<Self> {
        let txn = store::begin(&app.db).await?;
        let user = users::find_locked(&txn, id).await?.ok_or(Error::NotFound)?;
        Ok(Self::within(app, actor, txn, user))
    }

    /// Begins to change a user whose row this transaction has locked.
    pub(crate) fn within(app: &'a App, actor: &'a Actor, txn: DatabaseTransaction, user: users::Model) -> Self {
        Self { app, actor, txn, before: user.clone(), user, reason: None, now: app.clock.now() }
    }

    /// The transaction, for what belongs to the change.
    pub(crate) fn txn(&self) -> &DatabaseTransaction {
        &self.txn
    }

    /// The user as they were.
    pub(crate) fn before(&self) -> &users::Model {
        &self.before
    }

    /// Records why.
    pub(crate) fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// Makes the change, and tells everybody who must know. Without a difference no change is made.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the new address is taken, or nobody would be left who may do everything.
    pub(crate) async fn commit(self, action: &'static str) -> Result<Changed> {
        let app = self.app;
        let (txn, changed, aftermath) = self.write(action).await?;
        txn.commit().await?;
        aftermath.announce(app);
        Ok(changed)
    }

    /// Makes the change in a transaction that goes on. Announce the aftermath once that has committed.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(crate) async fn write(mut self, action: &'static str) -> Result<(DatabaseTransaction, Changed, Aftermath)> {
        if self.user == self.before {
            let aftermath = Aftermath(Ended::none(self.now));
            return Ok((self.txn, Changed { user: self.user, ended_sessions: 0 }, aftermath));
        }
        self.user.version = self.before.version + 1;
        self.user.updated_at = self.now;
        users::update(&self.txn, &self.user).await.map_err(taken)?;
        let entry = audit::of_user(action, Some(&self.before), &self.user, self.reason);
        audit::record(self.app, &self.txn, self.actor, entry).await?;
        let ended = consequences::follow(self.app, &self.txn, &self.before, &self.user, self.now).await?;
        let kind = if self.user.deleted_at.is_some() { Kind::UserDeleted } else { Kind::UserUpdated };
        let held = held_before(self.app, &self.before, &self.user);
        changes::append_edit(&self.txn, kind, &self.user, held).await?;
        // Changes take turns from here on, so that two superusers can not remove each other.
        if is_guardian(&self.before) && !is_guardian(&self.user) && users::count_superusers(&self.txn).await? == 0 {
            return Err(Error::Conflict("Nobody would be left who may do everything."));
        }
        let ended_sessions = ended.count();
        Ok((self.txn, Changed { user: self.user, ended_sessions }, Aftermath(ended)))
    }
}

/// What was changed.
#[derive(Debug)]
pub(crate) struct Changed {
    /// The user as they are now.
    pub(crate) user: users::Model,
    /// How many of their sessions have ended with it.
    pub(crate) ended_sessions: usize,
}

/// What others must be told once the change has committed.
#[derive(Debug)]
#[must_use = "announce it after the commit"]
pub(crate) struct Aftermath(Ended);

impl Aftermath {
    /// Makes this process refuse the tokens of ended sessions at once, and wakes whoever follows the outbox or sends
    /// mails.
    pub(crate) fn announce(self, app: &App) {
        self.0.announce(app);
        app.mail_waits.notify_one();
    }
}

/// Whether it is somebody who may do everything, and can.
fn is_guardian(user: &users::Model) -> bool {
    user.is_superuser && user.is_active && user.deleted_at.is_none()
}
