//! The mirror: one row for each user, in the service's own database, so that its tables can refer to users and its
//! queries can join them. Without the feed it holds the users that the service has met.
//!
//! Keyed by the user's id; the e-mail address is an attribute. Rows change by one statement that ignores older
//! versions, so parallel and reordered writes end in the same row; `database` does it, and `memory` for services
//! without one. When to write is decided on first sight (`first_sight`), at sign-in (`proxy`) and by the feed (`feed`).

#[cfg(feature = "sea-orm")]
pub(crate) mod database;
mod deletion;
#[cfg(feature = "sea-orm")]
mod entity;
mod first_sight;
#[cfg(feature = "sea-orm")]
mod hook;
#[cfg(feature = "sea-orm")]
mod lease;
mod memory;
#[cfg(feature = "sea-orm")]
mod migration;
#[cfg(feature = "sea-orm")]
mod naming;
mod place;
mod row;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

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
pub(crate) use place::{Batch, Lease, Place, Snapshots, Stretch};
pub(crate) use row::Row;

/// The users that this service knows.
#[derive(Clone)]
pub struct Mirror {
    rows: Rows,
    deletion: Deletion,
    clock: Clock,
    problem: Option<&'static str>,
}

/// Where the rows are.
#[derive(Clone)]
enum Rows {
    Memory(Arc<Memory>),
    #[cfg(feature = "sea-orm")]
    Database(database::Database),
}

/// A user as this service last heard of them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MirroredUser {
    /// Names the user, for ever.
    pub id: UserId,
    /// The e-mail address: an attribute that changes and can pass to another user.
    pub email: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The telephone number.
    pub phone_number: Option<String>,
    /// Whether the user can sign in.
    pub is_active: bool,
    /// Whether the user belongs to the staff.
    pub is_staff: bool,
    /// Whether the user may do everything.
    pub is_superuser: bool,
    /// Whether the e-mail address was proven.
    pub email_verified: bool,
    /// The named sets of scopes that the user holds.
    pub roles: Vec<String>,
    /// All scopes that the user may have. What a request may do is said by its token.
    pub scopes: Vec<String>,
    /// What services keep with the user.
    pub metadata: Value,
    /// When the account was made.
    pub date_joined: DateTime<Utc>,
    /// When the user last changed, by the clock of auth-graph.
    pub updated_at: DateTime<Utc>,
    /// Counts the changes.
    pub version: i64,
    /// When this row was last written.
    pub mirrored_at: DateTime<Utc>,
}

impl Mirror {
    /// The mirror in this database. Its tables are made by [`migrations`].
    #[cfg(feature = "sea-orm")]
    #[must_use]
    pub fn new(db: sea_orm::DatabaseConnection) -> Self {
        Self::named(db, Naming::default())
    }

    /// The mirror in a table of the service's own naming, which is made by [`Naming::migrations`].
    #[cfg(feature = "sea-orm")]
    #[must_use]
    pub fn named(db: sea_orm::DatabaseConnection, naming: Naming) -> Self {
        Self::of(Rows::Database(database::Database { db, naming, hook: None }))
    }

    /// A mirror without a database, for services that keep nothing: it is empty at the start of the process, and filled
    /// by the feed or on first sight.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::of(Rows::Memory(Arc::default()))
    }

    fn of(rows: Rows) -> Self {
        Self { rows, deletion: Deletion::default(), clock: Clock::default(), problem: None }
    }

    /// The same mirror by another clock.
    pub(crate) fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What is wrong with how it was configured.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        self.problem
    }

    /// What becomes of the rows of users who are deleted. Default [`Deletion::Anonymise`].
    #[must_use]
    pub fn deletion(mut self, deletion: Deletion) -> Self {
        self.deletion = deletion;
        self
    }

    /// The user of this id; absent when unknown or deleted.
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

    /// What happens in the service's own tables when a user changes, in the same transaction: users can be given the
    /// service's own roles, say, by what `metadata` says of them. It is called once for each row that changes, in no
    /// particular order within a transaction, and must use `txn` only. Its error undoes the transaction: the feed tries
    /// again until it succeeds, and revocations do not wait for it. One user whose change it can not follow therefore
    /// holds up all that come later: the log names the user, and the age of the mirror grows. A mirror in memory has no
    /// transaction, and can not be built with it.
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

    /// Takes over what auth-graph says of a user, unless something as new is known. A deleted user stays deleted unless
    /// this is newer than the deletion.
    ///
    /// # Errors
    /// As [`user`](Self::user), and the error of the hook.
    pub async fn apply(&self, user: &User) -> Result<(), Error> {
        self.write(Row::of_user(user, self.clock.now())).await
    }

    /// Marks a user as deleted by this version, and does with the row what [`deletion`](Self::deletion) says.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn forget(&self, id: UserId, version: i64) -> Result<(), Error> {
        self.write(Row::of_deleted(id.0, version, self.clock.now())).await
    }

    async fn write(&self, row: Row) -> Result<(), Error> {
        let batch = Batch { rows: vec![row], complete: None };
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
    /// Writes rows, and with them how far the feed was followed. False, and nothing is written, when another replica
    /// holds the lease.
    pub(crate) async fn write_and_advance(&self, batch: Batch, lease: Lease<'_>, to: &Place) -> Result<bool, Error> {
        match &self.rows {
            Rows::Memory(memory) => {
                memory.write_and_advance(batch, to, self.deletion);
                Ok(true)
            }
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.write_and_advance(batch, lease, to, self.deletion).await,
        }
    }

    /// Takes the lease; none when another replica has it.
    pub(crate) async fn take_lease(&self, lease: Lease<'_>) -> Result<Option<Place>, Error> {
        match &self.rows {
            Rows::Memory(memory) => Ok(Some(memory.place())),
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.take_lease(lease).await,
        }
    }

    /// Lets another replica go on at once.
    pub(crate) async fn give_back(&self, holder: &str) -> Result<(), Error> {
        match &self.rows {
            Rows::Memory(_) => Ok(()),
            #[cfg(feature = "sea-orm")]
            Rows::Database(database) => database.give_back(holder, self.clock.now()).await,
        }
    }
}

/// The migrations of the mirror, for the start of a service's own list.
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
