//! Sessions: one sign-in on one device, and the generation that its refresh token has reached.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{JoinType, QueryOrder, QuerySelect};

use super::{unique, users};
use crate::values::{Scopes, SessionId, UserId};

/// One sign-in on one device.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Names the session; the claim `sid`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// Who signed in.
    pub user_id: UserId,
    /// With which client.
    pub client_id: String,
    /// Who its tokens are for; none: the whole graph.
    pub audience: Option<String>,
    /// What was asked for at sign-in; none: everything that the user has.
    pub scope: Option<Scopes>,
    /// How the user proved who they are (RFC 8176).
    pub amr: Json,
    /// The generation of the newest refresh token; the one before it may be presented again.
    pub generation: i64,
    /// What the device says it is.
    pub user_agent: Option<String>,
    /// From where it was last used.
    pub ip_address: Option<String>,
    /// The sign-in; the claim `auth_time`.
    pub created_at: DateTimeUtc,
    /// The last refresh.
    pub last_used_at: DateTimeUtc,
    /// When it ends unless it is refreshed.
    pub expires_at: DateTimeUtc,
    /// When it ends in any case.
    pub absolute_expires_at: DateTimeUtc,
    /// When it was ended early.
    pub revoked_at: Option<DateTimeUtc>,
    /// Why.
    pub revoked_reason: Option<String>,
}

/// There are none that this crate follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Who its tokens are for: `graph`, unless another audience was asked for.
    #[must_use]
    pub fn audience<'a>(&'a self, graph: &'a str) -> &'a str {
        self.audience.as_deref().unwrap_or(graph)
    }

    /// Whether it can be used at this time.
    #[must_use]
    pub fn is_live(&self, now: DateTimeUtc) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// The session with this identifier, ended or not.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: SessionId) -> Result<Option<Model>, DbErr> {
    unique(Entity::find_by_id(id), db).await
}

/// The session with this identifier and its user. None: one of them does not exist.
///
/// # Errors
/// When the database fails.
pub async fn find_with_user(db: &impl ConnectionTrait, id: SessionId) -> Result<Option<(Model, users::Model)>, DbErr> {
    let user = Entity::belongs_to(users::Entity).from(Column::UserId).to(users::Column::Id);
    let found = Entity::find_by_id(id)
        .select_also(users::Entity)
        .join(JoinType::InnerJoin, user.into())
        .filter(users::Column::DeletedAt.is_null())
        .all(db)
        .await?;
    Ok(found.into_iter().next().and_then(|(session, user)| Some((session, user?))))
}

/// The session with this identifier, locked until the transaction ends, so that refresh and revoke take turns.
///
/// # Errors
/// When the database fails.
pub async fn find_locked(txn: &impl ConnectionTrait, id: SessionId) -> Result<Option<Model>, DbErr> {
    // SQLite has no row locks and needs none: the transaction holds the write lock already.
    unique(Entity::find_by_id(id).lock_exclusive(), txn).await
}

/// The sessions of a user that can be used at this time, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn live_of(db: &impl ConnectionTrait, user: UserId, now: DateTimeUtc) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .order_by_desc(Column::Id)
        .all(db)
        .await
}

/// Moves a session on to `successor`, if it is still at the generation before and live, and its user still at this
/// version. The answer tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn rotate(db: &impl ConnectionTrait, successor: &Model, user_version: i64) -> Result<bool, DbErr> {
    let user_as_it_was = Query::select()
        .expr(Expr::value(1))
        .from(users::Entity)
        .and_where(users::Column::Id.eq(successor.user_id))
        .and_where(users::Column::Version.eq(user_version))
        .take();
    let updated = Entity::update_many()
        .col_expr(Column::Generation, Expr::value(successor.generation))
        .col_expr(Column::LastUsedAt, Expr::value(successor.last_used_at))
        .col_expr(Column::ExpiresAt, Expr::value(successor.expires_at))
        .col_expr(Column::IpAddress, Expr::value(successor.ip_address.as_deref()))
        .filter(Column::Id.eq(successor.id))
        .filter(Column::Generation.eq(successor.generation - 1))
        .filter(Column::RevokedAt.is_null())
        .filter(Expr::exists(user_as_it_was))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Ends a session early, unless it has ended that way before. The answer tells whether it did.
///
/// # Errors
/// When the database fails.
pub async fn revoke(txn: &impl ConnectionTrait, id: SessionId, reason: &str, now: DateTimeUtc) -> Result<bool, DbErr> {
    let updated = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now))
        .col_expr(Column::RevokedReason, Expr::value(reason))
        .filter(Column::Id.eq(id))
        .filter(Column::RevokedAt.is_null())
        .exec(txn)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// The sessions that were ended early after this time, and when each was.
///
/// # Errors
/// When the database fails.
pub async fn revoked_since(
    db: &impl ConnectionTrait,
    since: DateTimeUtc,
) -> Result<Vec<(SessionId, DateTimeUtc)>, DbErr> {
    Entity::find()
        .select_only()
        .columns([Column::Id, Column::RevokedAt])
        .filter(Column::RevokedAt.gt(since))
        .into_tuple()
        .all(db)
        .await
}

/// Adds a session.
///
/// # Errors
/// When the database fails.
pub async fn insert(txn: &impl ConnectionTrait, session: &Model) -> Result<(), DbErr> {
    let row = ActiveModel::from(session.clone()).reset_all();
    Entity::insert(row).exec_without_returning(txn).await.map(drop)
}

/// Forgets from where and with what the sessions of a user were used.
///
/// # Errors
/// When the database fails.
pub async fn forget_devices_of(txn: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    let nothing = Option::<String>::None;
    let forgotten = Entity::update_many()
        .col_expr(Column::UserAgent, Expr::value(nothing.clone()))
        .col_expr(Column::IpAddress, Expr::value(nothing));
    forgotten.filter(Column::UserId.eq(user)).exec(txn).await.map(drop)
}
