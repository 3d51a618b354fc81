//! Sessions: one sign-in on one device, and the generation that its refresh token has reached.

use std::sync::LazyLock;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait};
use sea_orm::{DbBackend, FromQueryResult, IdenStatic, Iterable, QueryOrder, QuerySelect, QueryTrait, Statement};

use super::{unique, users};
use model::values::{Amr, Level, Scopes, SessionId, UserId};

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
    /// The methods by which the user proved who they are (RFC 8176).
    pub amr: Amr,
    /// The level that those methods reach; none for a session that no proof began.
    pub acr: Option<Level>,
    /// Time of the last proof (UTC); the claim `auth_time`.
    pub auth_time: DateTimeUtc,
    /// The generation of the newest refresh token; the one before it may be presented again.
    pub generation: i64,
    /// What the device says it is.
    pub user_agent: Option<String>,
    /// From where it was last used.
    pub ip_address: Option<String>,
    /// Time of the sign-in (UTC).
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

/// How a session is used.
#[derive(Clone, Debug)]
pub struct Use {
    /// When.
    pub at: DateTimeUtc,
    /// From where.
    pub ip_address: Option<String>,
    /// When the session ends unless it is used again, if that is not after its absolute end.
    pub idle_end: DateTimeUtc,
}

/// Moves a session on from this generation to the next, if it is at it, and it is live and its user active. The answer
/// is what it and its user are then.
///
/// # Errors
/// When the database fails.
pub async fn advance(
    db: &impl ConnectionTrait,
    id: SessionId,
    generation: i64,
    used: Use,
) -> Result<Option<(Model, users::Model)>, DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        return advance_at_once(db, id, generation, used).await;
    }
    let active_user = users::existing()
        .select_only()
        .expr(Expr::value(1))
        .filter(Expr::col((users::Entity, users::Column::Id)).equals((Entity, Column::UserId)))
        .filter(users::Column::IsActive.eq(true));
    let is_earlier = Expr::col(Column::AbsoluteExpiresAt).lt(used.idle_end);
    let end = CaseStatement::new().case(is_earlier, Expr::col(Column::AbsoluteExpiresAt)).finally(used.idle_end);
    let advanced = Entity::update_many()
        .col_expr(Column::Generation, Expr::value(generation + 1))
        .col_expr(Column::LastUsedAt, Expr::value(used.at))
        .col_expr(Column::ExpiresAt, end.into())
        .col_expr(Column::IpAddress, Expr::value(used.ip_address))
        .filter(Column::Id.eq(id))
        .filter(Column::Generation.eq(generation))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(used.at))
        .filter(Expr::exists(active_user.into_query()))
        .exec_with_returning(db)
        .await?;
    let Some(session) = advanced.into_iter().next() else { return Ok(None) };
    let user = users::find(db, session.user_id).await?;
    Ok(user.filter(|user| user.is_active).map(|user| (session, user)))
}

/// The same by one statement, which SQLite has no words for: it can not tell of the user what it has looked at.
async fn advance_at_once(
    db: &impl ConnectionTrait,
    id: SessionId,
    generation: i64,
    used: Use,
) -> Result<Option<(Model, users::Model)>, DbErr> {
    static ADVANCE: LazyLock<String> = LazyLock::new(|| {
        let columns = Column::iter().map(|column| format!(r#"sessions.{0} AS "session.{0}""#, column.as_str()));
        let of_user = users::Column::iter().map(|column| format!(r#"users.{0} AS "user.{0}""#, column.as_str()));
        format!(
            "UPDATE sessions SET generation = generation + 1, last_used_at = $3, ip_address = $4, \
             expires_at = least($5, absolute_expires_at) \
             FROM users \
             WHERE sessions.id = $1 AND generation = $2 AND revoked_at IS NULL AND expires_at > $3 \
             AND users.id = user_id AND is_active AND deleted_at IS NULL \
             RETURNING {}",
            columns.chain(of_user).collect::<Vec<_>>().join(", ")
        )
    });
    let values: [sea_orm::Value; 5] =
        [id.into(), generation.into(), used.at.into(), used.ip_address.into(), used.idle_end.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, ADVANCE.as_str(), values);
    let Some(row) = db.query_one_raw(statement).await? else { return Ok(None) };
    let session = Model::from_query_result(&row, "session.")?;
    Ok(Some((session, users::Model::from_query_result(&row, "user.")?)))
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

/// Deletes the sessions that were begun before one time and had their absolute end before another.
///
/// The identifiers begin with the time, so that they lead to the few that are old: an index on what moves with each
/// refresh would have to be written each time.
///
/// # Errors
/// When the database fails.
pub async fn purge(db: &impl ConnectionTrait, begun: DateTimeUtc, ended: DateTimeUtc) -> Result<u64, DbErr> {
    let old = Entity::delete_many().filter(Column::Id.lt(SessionId::lowest(begun)));
    Ok(old.filter(Column::AbsoluteExpiresAt.lt(ended)).exec(db).await?.rows_affected)
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
