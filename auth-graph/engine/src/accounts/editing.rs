//! Changing a user in one transaction: the row, its version, the consequences of the change, the audit record and the
//! change in the outbox.
//!
//! Every change to a user goes through this module, so that it is recorded and every copy elsewhere receives it. The
//! callers decide who may change which fields.

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
use store::locks::{self, Lock};
use store::{user_credentials, users};

pub(crate) use super::consequences::Letters;

/// Changes users in one transaction, and announces the change after the commit. The change is made once more if another
/// transaction was in the way.
///
/// # Errors
/// When the change or the database fails.
pub(crate) async fn commit_edit(
    app: &App,
    change: impl AsyncFnOnce(&DatabaseTransaction) -> Result<(Changed, Aftermath)> + Clone,
) -> Result<Changed> {
    let (changed, aftermath) = store::transaction(&app.db, change).await?;
    aftermath.announce(app);
    Ok(changed)
}

/// A change in progress, with the user's row locked. Dropping it changes nothing.
#[derive(Debug)]
#[must_use = "write it"]
pub(crate) struct UserEdit<'a> {
    app: &'a App,
    actor: &'a Actor,
    txn: &'a DatabaseTransaction,
    before: Account,
    /// The account after the change.
    pub(crate) account: Account,
    reason: Option<String>,
    always_recorded: bool,
    letters: Letters,
    now: DateTime<Utc>,
}

impl<'a> UserEdit<'a> {
    /// Locks a user and starts a change to them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub(crate) async fn begin(
        app: &'a App,
        actor: &'a Actor,
        txn: &'a DatabaseTransaction,
        id: UserId,
    ) -> Result<Self> {
        let user = users::find_locked(txn, id).await?.ok_or(Error::NotFound)?;
        Self::of(app, actor, txn, user).await
    }

    /// Starts a change to a user whose row this transaction has locked.
    pub(crate) async fn of(
        app: &'a App,
        actor: &'a Actor,
        txn: &'a DatabaseTransaction,
        user: users::Model,
    ) -> Result<Self> {
        let account = Account::of(txn, user).await?;
        let (before, now) = (account.clone(), app.clock.now());
        Ok(Self { app, actor, txn, before, account, reason: None, always_recorded: false, letters: Letters::Sent, now })
    }

    /// Returns the difference that the change makes.
    pub(crate) fn difference(&self) -> Difference<'_> {
        Difference { before: &self.before, after: &self.account }
    }

    /// Sets the reason that the audit log records.
    pub(crate) fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// Records the change in the audit log also when it makes no difference.
    pub(crate) fn always_recorded(mut self) -> Self {
        self.always_recorded = true;
        self
    }

    /// Sends the mails about the change, or omits them.
    pub(crate) fn with_letters(mut self, letters: Letters) -> Self {
        self.letters = letters;
        self
    }

    /// Makes the change in the transaction; it changes nothing when there is no difference. The aftermath is announced
    /// after the commit.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the new address is taken, or no active superuser would remain.
    pub(crate) async fn write(mut self, action: &'static str) -> Result<(Changed, Aftermath)> {
        let txn = self.txn;
        if self.account == self.before {
            if self.always_recorded {
                let entry = audit::of_account(action, Some(&self.before), &self.account, self.reason.take());
                audit::record(self.app, txn, self.actor, entry).await?;
            }
            let aftermath = Aftermath(Ended::none(self.now));
            return Ok((Changed { user: self.account.user, ended_sessions: 0 }, aftermath));
        }
        self.account.user.version = self.before.user.version + 1;
        self.account.user.updated_at = self.now;
        users::update(txn, &self.account.user).await.map_err(taken)?;
        user_credentials::replace(txn, self.before.credentials(), self.account.credentials()).await?;
        let entry = audit::of_account(action, Some(&self.before), &self.account, self.reason.take());
        audit::record(self.app, txn, self.actor, entry).await?;
        let ended = consequences::follow(self.app, txn, self.difference(), self.letters, self.now).await?;
        let (before, user) = (self.before.user, self.account.user);
        let kind = if user.deleted_at.is_some() { Kind::UserDeleted } else { Kind::UserUpdated };
        changes::append_edit(txn, kind, &user, held_before(self.app, &before, &user)).await?;
        if is_guardian(&before) && !is_guardian(&user) {
            // Two superusers who remove each other take turns here, and the second one finds nobody else.
            locks::lock(txn, Lock::Superusers).await?;
            if users::count_superusers(txn).await? == 0 {
                return Err(Error::Conflict("At least one active superuser must remain."));
            }
        }
        let ended_sessions = ended.count();
        Ok((Changed { user, ended_sessions }, Aftermath(ended)))
    }
}

/// The result of a change.
#[derive(Debug)]
pub(crate) struct Changed {
    /// The user after the change.
    pub(crate) user: users::Model,
    /// The number of their sessions that the change has ended.
    pub(crate) ended_sessions: usize,
}

/// The announcements that follow once the change has committed.
#[derive(Debug)]
#[must_use = "announce it after the commit"]
pub(crate) struct Aftermath(Ended);

impl Aftermath {
    /// Makes this process reject the tokens of ended sessions immediately, and wakes the tasks that follow the outbox
    /// or send mails.
    pub(crate) fn announce(self, app: &App) {
        self.0.announce(app);
        app.mail.waiting.notify_one();
    }
}

/// Returns whether the user is a superuser who can sign in.
fn is_guardian(user: &users::Model) -> bool {
    user.is_superuser && user.is_active && user.deleted_at.is_none()
}
