//! The mirror: one row for each user that this service has met, in its own database, so that its tables can refer to
//! users and its queries can join them.
//!
//! Keyed by the user's id; the e-mail address is an attribute. Rows change by one statement that ignores older versions,
//! so parallel and reordered writes end in the same row. When to write is decided elsewhere: on first sight in `context`,
//! at sign-in in `proxy`.

mod entity;
mod migration;

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseConnection, DbErr, EntityTrait, ExprTrait, QueryFilter};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::ids::UserId;
use crate::operations::User;
use crate::principal::{Principal, PrincipalKind};
use entity::{ActiveModel, Column, Entity, Model};
pub use migration::Migration;

/// The users that this service knows.
#[derive(Clone, Debug)]
pub struct Mirror {
    db: DatabaseConnection,
    clock: Clock,
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
    /// The mirror in this database. Its table is made by [`Migration`].
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self { db, clock: Clock::default() }
    }

    /// The user of this id; absent when unknown or deleted.
    ///
    /// # Errors
    /// `UNAVAILABLE` without a database, `INTERNAL` when the query fails.
    pub async fn user(&self, id: UserId) -> Result<Option<MirroredUser>, Error> {
        let row = Entity::find_by_id(id.0).filter(Column::DeletedAt.is_null()).one(&self.db).await;
        row.map_err(database_error)?.map(MirroredUser::try_from).transpose()
    }

    /// Takes over what auth-graph says of a user, unless something as new is known. A deleted user stays deleted unless
    /// this is newer than the deletion.
    ///
    /// # Errors
    /// As [`user`](Self::user).
    pub async fn apply(&self, user: &User) -> Result<(), Error> {
        let row = ActiveModel {
            id: Set(user.id.0),
            email: Set(user.email.clone()),
            first_name: Set(user.first_name.clone()),
            last_name: Set(user.last_name.clone()),
            phone_number: Set(user.phone_number.clone()),
            is_active: Set(user.is_active),
            is_staff: Set(user.is_staff),
            is_superuser: Set(user.is_superuser),
            email_verified: Set(user.email_verified),
            roles: Set(json!(user.roles)),
            scopes: Set(json!(user.scopes)),
            metadata: Set(user.metadata.clone()),
            date_joined: Set(user.date_joined.trunc_subsecs(6)),
            updated_at: Set(user.updated_at.trunc_subsecs(6)),
            version: Set(user.version),
            deleted_at: Set(None),
            mirrored_at: Set(self.clock.now()),
        };
        self.upsert(row).await
    }

    /// Marks a user as deleted by this version, and erases what is known of the person. The row stays: others refer to
    /// it, and it keeps older descriptions from bringing the user back.
    ///
    /// # Errors
    /// As [`user`](Self::user).
    pub async fn forget(&self, id: UserId, version: i64) -> Result<(), Error> {
        let now = self.clock.now();
        let row = ActiveModel {
            id: Set(id.0),
            email: Set(String::new()),
            first_name: Set(String::new()),
            last_name: Set(String::new()),
            phone_number: Set(None),
            is_active: Set(false),
            is_staff: Set(false),
            is_superuser: Set(false),
            email_verified: Set(false),
            roles: Set(json!([])),
            scopes: Set(json!([])),
            metadata: Set(json!({})),
            date_joined: Set(now),
            updated_at: Set(now),
            version: Set(version),
            deleted_at: Set(Some(now)),
            mirrored_at: Set(now),
        };
        self.upsert(row).await
    }

    /// One statement, so that of parallel writers one makes the row and the others find it.
    async fn upsert(&self, row: ActiveModel) -> Result<(), Error> {
        let newer = Expr::col(("excluded", Column::Version)).gt(Expr::col((Entity, Column::Version)));
        let on_conflict =
            OnConflict::column(Column::Id).update_columns(entity::CHANGING).action_and_where(newer).to_owned();
        let written = Entity::insert(row).on_conflict(on_conflict).exec_without_returning(&self.db).await;
        written.map(|_| ()).map_err(database_error)
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
