//! Changing a user: the row, its version, what follows from the change, the audit record and the change in the outbox,
//! in one transaction.
//!
//! Whatever changes a user goes through here, so that it is recorded and no copy elsewhere misses it. What may be
//! changed by whom is for the callers.

use chrono::{DateTime, Utc};
use sea_orm::DatabaseTransaction;

use super::account::{Account, Difference};
use super::{consequences, taken};
use crate::app::App;
use crate::audit;
use crate::callers::Actor;
use crate::callers::view::held_before;
use crate::sessions::Ended;
use model::error::{Error, Result};
use model::values::UserId;
use store::changes::{self, Kind};
use store::{user_credentials, users};

/// A change that has begun: the user's row is locked. Dropping it changes nothing.
#[derive(Debug)]
#[must_use = "commit it"]
pub(crate) struct UserEdit<'a> {
    app: &'a App,
    actor: &'a Actor,
    txn: DatabaseTransaction,
    before: Account,
    /// The account after the change.
    pub(crate) account: Account,
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
        Self::within(app, actor, txn, user).await
    }

    /// Begins to change a user whose row this transaction has locked.
    pub(crate) async fn within(
        app: &'a App,
        actor: &'a Actor,
        txn: DatabaseTransaction,
        user: users::Model,
    ) -> Result<Self> {
        let account = Account::of(&txn, user).await?;
        Ok(Self { app, actor, txn, before: account.clone(), account, reason: None, now: app.clock.now() })
    }

    /// The transaction, for what belongs to the change.
    pub(crate) fn txn(&self) -> &DatabaseTransaction {
        &self.txn
    }

    /// The difference that the change makes.
    pub(crate) fn difference(&self) -> Difference<'_> {
        Difference { before: &self.before, after: &self.account }
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
        if self.account == self.before {
            let aftermath = Aftermath(Ended::none(self.now));
            return Ok((self.txn, Changed { user: self.account.user, ended_sessions: 0 }, aftermath));
        }
        self.account.user.version = self.before.user.version + 1;
        self.account.user.updated_at = self.now;
        users::update(&self.txn, &self.account.user).await.map_err(taken)?;
        user_credentials::replace(&self.txn, self.before.credentials(), self.account.credentials()).await?;
        let entry = audit::of_account(action, Some(&self.before), &self.account, self.reason.take());
        audit::record(self.app, &self.txn, self.actor, entry).await?;
        let ended = consequences::follow(self.app, &self.txn, self.difference(), self.now).await?;
        let (before, user) = (self.before.user, self.account.user);
        let kind = if user.deleted_at.is_some() { Kind::UserDeleted } else { Kind::UserUpdated };
        changes::append_edit(&self.txn, kind, &user, held_before(self.app, &before, &user)).await?;
        // Changes take turns from here on, so that two superusers can not remove each other.
        if is_guardian(&before) && !is_guardian(&user) && users::count_superusers(&self.txn).await? == 0 {
            return Err(Error::Conflict("Nobody would be left who may do everything."));
        }
        let ended_sessions = ended.count();
        Ok((self.txn, Changed { user, ended_sessions }, Aftermath(ended)))
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
