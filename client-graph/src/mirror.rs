//! The mirror: one row for each user in the service's own database. The service's tables can refer to users, and its
//! queries can join them. Without the feed it holds the users who have visited the service.
//!
//! Rows are keyed by the user's id; the e-mail address is an attribute. One statement changes a row and ignores older
//! versions, so parallel and reordered writes lead to the same row. A mirror is kept in a database or in memory. Rows
//! are written on first sight, at sign-in through the proxy, and by the feed.

#[cfg(feature = "sea-orm")]
pub(crate) mod database;
mod deletion;
#[cfg(feature = "sea-orm")]
mod entity;
#[cfg(feature = "sea-orm")]
mod hook;
#[cfg(feature = "sea-orm")]
mod lease;
mod memory;
#[cfg(feature = "sea-orm")]
mod migration;
#[cfg(feature = "sea-orm")]
mod naming;
mod progress;
mod row;
mod user;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Clock;
use crate::error::Error;
use crate::ids::UserId;
use crate::operations::User;
#[cfg(feature = "service")]
pub(crate) use database::database_error;
pub use deletion::Deletion;
#[cfg(feature = "sea-orm")]
pub use hook::{HookFuture, MirrorChange};
use memory::Memory;
#[cfg(feature = "sea-orm")]
pub use migration::migrate;
#[cfg(feature = "sea-orm")]
pub use naming::Naming;
pub(crate) use progress::{Batch, FeedProgress, IdRange, Lease, SnapshotProgress};
pub(crate) use row::Row;
pub use user::MirroredUser;

/// The mirror: the users that this service knows.
#[derive(Clone)]
pub struct Mirror {
    rows: Rows,
    deletion: Deletion,
    clock: Clock,
    problem: Option<&'static str>,
}

#[derive(Clone)]
enum Rows {
    Memory(Arc<Memory>),
    #[cfg(feature = "sea-orm")]
    Database(database::Database),
}

impl Mirror {
    /// Returns the mirror in this database. Its tables are created by [`migrations`].
    #[cfg(feature = "sea-orm")]
    #[must_use]
    pub fn new(db: sea_orm::DatabaseConnection) -> Self {
        Self::named(db, Naming::default())
    }

    /// Returns the mirror in a table with these names. The table is created by [`Naming::migrations`].
    #[cfg(feature = "sea-orm")]
    #[must_use]
    pub fn named(db: sea_orm::DatabaseConnection, naming: Naming) -> Self {
        Self::of(Rows::Database(database::Database { db, naming, hook: None }))
    }

    /// Returns a mirror without a database, for services that store nothing. It is empty when the process starts, and
    /// filled by the feed or on first sight.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::of(Rows::Memory(Arc::default()))
    }

    fn of(rows: Rows) -> Self {
        Self { rows, deletion: Deletion::default(), clock: Clock::default(), problem: None }
    }

    pub(crate) fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the problem of its configuration.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        self.problem
    }

    /// Sets what happens to the rows of deleted users. Default: [`Deletion::Anonymise`].
    #[must_use]
    pub fn deletion(mut self, deletion: Deletion) -> Self {
        self.deletion = deletion;
        self
    }

    /// Returns the user with this id, or `None` when unknown or deleted.
    ///
    /// # Errors
    /// `UNAVAILABLE` without a database, `INTERNAL` when the query fails.
    pub async fn user(&self, id: UserId) -> Result<Option<MirroredUser>, Error> {
        match &self.rows {
            Rows::Memory(memory) => Ok(memory.user(id)),
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.user(id).await,
        }
    }

    /// Returns the users among these ids, without those who are unknown or deleted. A database is asked once for
    /// 10,000.
    ///
    /// # Errors
    /// As [`user`](Self::user).
    pub async fn users(&self, ids: &[UserId]) -> Result<HashMap<UserId, MirroredUser>, Error> {
        match &self.rows {
            Rows::Memory(memory) => Ok(ids.iter().filter_map(|id| Some((*id, memory.user(*id)?))).collect()),
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.users(ids).await,
        }
    }

    /// Sets a hook that changes the service's own tables when a user changes, in the same transaction. It can, for
    /// example, derive the service's own roles from `metadata`. The hook is called once for each row that changes, in
    /// no particular order within a transaction, and must use only `txn`.
    ///
    /// An error of the hook rolls the transaction back. The feed retries until the hook succeeds; revocations do not
    /// wait for it. One user whose change the hook rejects therefore blocks all later changes: the log names the user,
    /// and the age of the mirror grows. A mirror in memory has no transaction, and cannot be built with a hook.
    ///
    /// ```
    /// # use client_graph::mirror::Mirror;
    /// # async fn example(db: sea_orm::DatabaseConnection) {
    /// use sea_orm::ConnectionTrait;
    ///
    /// let mirror = Mirror::new(db).on_user(|change, txn| {
    ///     Box::pin(async move {
    ///         if change.after.is_none() {
    ///             txn.execute_unprepared("UPDATE statistics SET departures = departures + 1")
    ///                 .await
    ///                 .map_err(client_graph::Error::internal)?;
    ///         }
    ///         Ok(())
    ///     })
    /// });
    /// # }
    /// ```
    #[cfg(feature = "sea-orm")]
    #[must_use]
    pub fn on_user<H>(mut self, hook: H) -> Self
    where
        H: for<'a> Fn(&'a MirrorChange, &'a sea_orm::DatabaseTransaction) -> HookFuture<'a> + Send + Sync + 'static,
    {
        match &mut self.rows {
            Rows::Memory(_) => self.problem = Some("a mirror in memory has no transaction for on_user"),
            Rows::Database(database) => database.hook = Some(Arc::new(hook)),
        }
        self
    }

    /// Writes a user, unless the row is as new or newer. A deleted user stays deleted unless this version is newer than
    /// the deletion.
    ///
    /// # Errors
    /// As [`user`](Self::user), and the error of the hook.
    pub async fn apply(&self, user: &User) -> Result<(), Error> {
        self.write(Row::of_user(user, self.clock.now())).await
    }

    /// Marks a user as deleted with this version, and treats the row as [`deletion`](Self::deletion) configures.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn forget(&self, id: UserId, version: i64) -> Result<(), Error> {
        self.write(Row::of_deleted(id.0, version, self.clock.now())).await
    }

    pub(crate) async fn write(&self, row: Row) -> Result<(), Error> {
        let batch = Batch::of(vec![row]);
        match &self.rows {
            Rows::Memory(memory) => memory.write(batch, self.deletion),
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.write(batch, self.deletion).await?,
        }
        Ok(())
    }
}

#[cfg_attr(not(feature = "sea-orm"), expect(unused_variables, reason = "a lease is about a database that is shared"))]
impl Mirror {
    /// Writes rows, and the progress with them. Returns false, and writes nothing, when another replica holds the
    /// lease.
    pub(crate) async fn write_and_advance(
        &self,
        batch: Batch,
        lease: Lease<'_>,
        progress: &FeedProgress,
    ) -> Result<bool, Error> {
        match &self.rows {
            Rows::Memory(memory) => {
                memory.write_and_advance(batch, progress, self.deletion);
                Ok(true)
            }
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.write_and_advance(batch, lease, progress, self.deletion).await,
        }
    }

    /// Returns the users in a range who are not among those present, and whose rows are too new to count as deleted.
    pub(crate) async fn unsettled(&self, range: &IdRange, present: &[Uuid]) -> Result<Vec<Uuid>, Error> {
        match &self.rows {
            Rows::Memory(memory) => Ok(memory.unsettled(range, present)),
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.unsettled(range, present.iter().copied()).await,
        }
    }

    /// Takes or renews the lease, and returns the progress; none when another replica holds the lease.
    pub(crate) async fn take_lease(&self, lease: Lease<'_>) -> Result<Option<FeedProgress>, Error> {
        match &self.rows {
            Rows::Memory(memory) => Ok(Some(memory.progress())),
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.take_lease(lease).await,
        }
    }

    /// Releases the lease, so that another replica can continue at once.
    pub(crate) async fn release_lease(&self, holder: &str) -> Result<(), Error> {
        match &self.rows {
            Rows::Memory(_) => Ok(()),
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.release_lease(holder, self.clock.now()).await,
        }
    }
}

/// Returns the migrations of the mirror. Put them before the service's own.
#[cfg(feature = "sea-orm")]
#[must_use]
pub fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
    Naming::default().migrations()
}

impl fmt::Debug for Mirror {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Mirror").field("deletion", &self.deletion).finish_non_exhaustive()
    }
}
