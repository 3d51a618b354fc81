//! The mirror: one row for each user, in the service's own database, so that its tables can refer to users and its
//! queries can join them. Without the feed it holds the users that the service has met.
//!
//! Keyed by the user's id; the e-mail address is an attribute. Rows change by one statement that ignores older versions,
//! so parallel and reordered writes end in the same row; `writing` does it. When to write is decided here on first sight,
//! and elsewhere at sign-in (`proxy`) and by the feed (`feed`).

mod entity;
mod hook;
mod migration;
mod place;
mod rows;
mod writing;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryFilter};
use serde_json::Value;

use crate::clock::Clock;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::ids::UserId;
use crate::operations::User;
use crate::principal::{Principal, PrincipalKind};
use entity::{Column, Entity, Model};
use hook::Hook;
pub use hook::{HookFuture, MirrorChange};
pub use migration::{FeedMigration, Migration};
pub(crate) use place::{Lease, Place};
pub(crate) use rows::of_snapshot;

/// The users that this service knows.
#[derive(Clone)]
pub struct Mirror {
    db: DatabaseConnection,
    clock: Clock,
    hook: Option<Hook>,
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
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self { db, clock: Clock::default(), hook: None }
    }

    /// The user of this id; absent when unknown or deleted.
    ///
    /// # Errors
    /// `UNAVAILABLE` without a database, `INTERNAL` when the query fails.
    pub async fn user(&self, id: UserId) -> Result<Option<MirroredUser>, Error> {
        let row = Entity::find_by_id(id.0).filter(Column::DeletedAt.is_null()).one(&self.db).await;
        row.map_err(database_error)?.map(MirroredUser::try_from).transpose()
    }

    /// What happens in the service's own tables when a user changes, in the same transaction: users can be given the
    /// service's own roles, say, by what `metadata` says of them. It is called once for each row that changes, in no
    /// particular order within a transaction, and must use `txn` only. Its error undoes the transaction: the feed tries
    /// again until it succeeds, and revocations do not wait for it.
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
    #[must_use]
    pub fn on_user<H>(mut self, hook: H) -> Self
    where
        H: for<'a> Fn(&'a MirrorChange, &'a DatabaseTransaction) -> HookFuture<'a> + Send + Sync + 'static,
    {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Takes over what auth-graph says of a user, unless something as new is known. A deleted user stays deleted unless
    /// this is newer than the deletion.
    ///
    /// # Errors
    /// As [`user`](Self::user), and the error of the hook.
    pub async fn apply(&self, user: &User) -> Result<(), Error> {
        self.write(vec![rows::of_user(user, self.clock.now())]).await
    }

    /// Marks a user as deleted by this version, and erases what is known of the person. The row stays: others refer to
    /// it, and it keeps older descriptions from bringing the user back.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn forget(&self, id: UserId, version: i64) -> Result<(), Error> {
        self.write(vec![rows::of_deleted(id.0, version, self.clock.now())]).await
    }
}

/// The migrations of the mirror, for the start of a service's own list.
#[must_use]
pub fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
    vec![Box::new(Migration), Box::new(FeedMigration)]
}

impl fmt::Debug for Mirror {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Mirror").field("db", &self.db).finish_non_exhaustive()
    }
}

impl Context {
    /// The caller's user. When this service sees the user for the first time, auth-graph is asked once, with the
    /// caller's own token, and the row is made.
    ///
    /// # Errors
    /// As [`principal`](Self::principal); `TOKEN_REVOKED` when the user can not sign in any more; `FORBIDDEN` for a
    /// service, which has no user; `UNAVAILABLE` when auth-graph must be asked and can not be.
    pub async fn user(&self) -> Result<MirroredUser, Error> {
        let principal = self.principal()?;
        if principal.kind == PrincipalKind::Service {
            return Err(Error::new(Code::Forbidden).with_detail("A service has no user."));
        }
        // Somebody who was disabled or deleted when we last heard of them may be back: auth-graph knows.
        match self.mirror()?.user(principal.subject).await? {
            Some(user) if user.is_active => Ok(user),
            _ => {
                let (context, principal) = (self.clone(), principal.clone());
                let flights = self.auth_graph().first_sights();
                flights.join(principal.subject, || async move { context.first_sight(&principal).await }).await
            }
        }
    }

    /// Another user, as far as this service knows them.
    ///
    /// # Errors
    /// As [`Mirror::user`].
    pub async fn user_by_id(&self, id: UserId) -> Result<Option<MirroredUser>, Error> {
        self.mirror()?.user(id).await
    }

    async fn first_sight(&self, principal: &Principal) -> Result<MirroredUser, Error> {
        let mirror = self.mirror()?;
        // Another request can have made the row between our look and this flight.
        if let Some(user) = mirror.user(principal.subject).await?
            && user.is_active
        {
            return Ok(user);
        }
        let user = self.auth_graph().me(principal.access_token()).await?.ok_or(Code::TokenRevoked)?;
        if user.id != principal.subject {
            return Err(Error::unavailable("auth-graph answered with another user than the token's"));
        }
        mirror.apply(&user).await?;
        let row = mirror.user(principal.subject).await?;
        row.filter(|user| user.is_active).ok_or_else(|| Code::TokenRevoked.into())
    }

    fn mirror(&self) -> Result<&Mirror, Error> {
        self.auth_graph()
            .mirror()
            .ok_or_else(|| Error::internal("there is no mirror: pass one to AuthGraphBuilder::mirror"))
    }
}

impl TryFrom<Model> for MirroredUser {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let texts = |json| serde_json::from_value(json).map_err(Error::internal);
        Ok(Self {
            id: UserId(row.id),
            email: row.email,
            first_name: row.first_name,
            last_name: row.last_name,
            phone_number: row.phone_number,
            is_active: row.is_active,
            is_staff: row.is_staff,
            is_superuser: row.is_superuser,
            email_verified: row.email_verified,
            roles: texts(row.roles)?,
            scopes: texts(row.scopes)?,
            metadata: row.metadata,
            date_joined: row.date_joined,
            updated_at: row.updated_at,
            version: row.version,
            mirrored_at: row.mirrored_at,
        })
    }
}

/// A database that can not be reached is away; any other failure of it is a fault of ours.
pub(crate) fn database_error(error: DbErr) -> Error {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Error::unavailable(error),
        other => Error::internal(other),
    }
}
