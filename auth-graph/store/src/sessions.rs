//! Sessions: each is one sign-in on one device, with the generation of its newest refresh token.

use std::sync::LazyLock;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait};
use sea_orm::{
    Condition, DbBackend, FromQueryResult, IdenStatic, Iterable, QueryOrder, QuerySelect, QueryTrait, Select, Statement,
};

use super::clients::IMPERSONATION;
use super::purge::in_batches;
use super::{unique, users};
use model::values::{Amr, Level, Scopes, SessionId, UserId};

/// A session: one sign-in on one device.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Identifier; the claim `sid`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// User who signed in.
    pub user_id: UserId,
    /// Client that the user signed in with.
    pub client_id: String,
    /// Audience of its tokens; `None` for the services of this graph.
    pub audience: Option<String>,
    /// Scopes that were requested at the sign-in; `None` for all scopes of the user.
    pub scope: Option<Scopes>,
    /// Methods by which the user proved their identity (RFC 8176).
    pub amr: Amr,
    /// Level that those methods reach; `None` for a session that began without a proof.
    pub acr: Option<Level>,
    /// Time of the last proof (UTC); the claim `auth_time`.
    pub auth_time: DateTimeUtc,
    /// Generation of the newest refresh token. The token before it may be presented again.
    pub generation: i64,
    /// User agent that the client states.
    pub user_agent: Option<String>,
    /// Network address of the last use.
    pub ip_address: Option<String>,
    /// Time of the sign-in (UTC).
    pub created_at: DateTimeUtc,
    /// Time of the last refresh (UTC).
    pub last_used_at: DateTimeUtc,
    /// Time of the refresh before the last one (UTC), if it is known.
    pub previous_use_at: Option<DateTimeUtc>,
    /// Time at which the session ends unless it is refreshed (UTC).
    pub expires_at: DateTimeUtc,
    /// Time at which the session ends in any case (UTC).
    pub absolute_expires_at: DateTimeUtc,
    /// Time at which the session was ended early (UTC).
    pub revoked_at: Option<DateTimeUtc>,
    /// Reason for the early end.
    pub revoked_reason: Option<String>,
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Returns the audience of its tokens: `graph`, unless another one was requested.
    #[must_use]
    pub fn audience<'a>(&'a self, graph: &'a str) -> &'a str {
        self.audience.as_deref().unwrap_or(graph)
    }

    /// Returns the time at which the successor of an outdated refresh token was replaced. None: before the last two
    /// refreshes.
    #[must_use]
    pub fn successor_replaced_at(&self, generation: i64) -> Option<DateTimeUtc> {
        match self.generation - generation {
            2 => Some(self.last_used_at),
            3 => self.previous_use_at,
            _ => None,
        }
    }

    /// Returns whether the session can be used at this time.
    #[must_use]
    pub fn is_live(&self, now: DateTimeUtc) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Returns the session with this identifier, ended or not.
pub async fn find(db: &impl ConnectionTrait, id: SessionId) -> Result<Option<Model>, DbErr> {
    unique(Entity::find_by_id(id), db).await
}

/// Returns the session with this identifier, locked until the transaction ends, so that a refresh and a revocation do
/// not run at the same time.
pub async fn find_locked(txn: &impl ConnectionTrait, id: SessionId) -> Result<Option<Model>, DbErr> {
    // SQLite has no row locks and needs none, because the transaction already holds the write lock.
    unique(Entity::find_by_id(id).lock_exclusive(), txn).await
}

/// Maximum number of sessions in a list.
const LISTED: u64 = 1_000;

fn live(user: UserId, now: DateTimeUtc) -> Select<Entity> {
    Entity::find().filter(Column::UserId.eq(user)).filter(Column::RevokedAt.is_null()).filter(Column::ExpiresAt.gt(now))
}

/// Returns the sessions of a user that can be used at this time, the latest first: at most a thousand.
pub async fn live_of(db: &impl ConnectionTrait, user: UserId, now: DateTimeUtc) -> Result<Vec<Model>, DbErr> {
    live(user, now).order_by_desc(Column::Id).limit(LISTED).all(db).await
}

/// Returns the identifiers of all sessions of a user that can be used at this time.
pub async fn ids_of(db: &impl ConnectionTrait, user: UserId, now: DateTimeUtc) -> Result<Vec<SessionId>, DbErr> {
    live(user, now).select_only().column(Column::Id).order_by_desc(Column::Id).into_tuple().all(db).await
}

/// Returns the identifiers of the sessions of a user beyond this number, which were not used for the longest time.
/// Sessions of callers who act as the user do not count.
pub async fn ids_beyond(
    db: &impl ConnectionTrait,
    user: UserId,
    number: u64,
    now: DateTimeUtc,
) -> Result<Vec<SessionId>, DbErr> {
    live(user, now)
        .filter(Column::ClientId.ne(IMPERSONATION))
        .select_only()
        .column(Column::Id)
        .order_by_desc(Column::LastUsedAt)
        .order_by_desc(Column::Id)
        .offset(number)
        .limit(LISTED)
        .into_tuple()
        .all(db)
        .await
}

/// A use of a session.
#[derive(Clone, Debug)]
pub struct Use {
    /// Time of the use (UTC).
    pub at: DateTimeUtc,
    /// Network address of the client.
    pub ip_address: Option<String>,
    /// Time at which the session ends unless it is used again, or its absolute end if that is earlier.
    pub idle_end: DateTimeUtc,
}

/// Moves a session to the generation after this one, if this generation is current, the session is live and its user is
/// active. Returns the updated session and its user. If the row is of an earlier generation, the database has lost the
/// refreshes in between, and with them their times.
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
    let is_current = Expr::col(Column::Generation).eq(generation);
    let previous = CaseStatement::new().case(is_current, Expr::col(Column::LastUsedAt));
    let advanced = Entity::update_many()
        .col_expr(Column::Generation, Expr::value(generation + 1))
        .col_expr(Column::PreviousUseAt, previous.into())
        .col_expr(Column::LastUsedAt, Expr::value(used.at))
        .col_expr(Column::ExpiresAt, end.into())
        .col_expr(Column::IpAddress, Expr::value(used.ip_address))
        .filter(Column::Id.eq(id))
        .filter(Column::Generation.lte(generation))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(used.at))
        .filter(Expr::exists(active_user.into_query()))
        .exec_with_returning(db)
        .await?;
    let Some(session) = advanced.into_iter().next() else { return Ok(None) };
    let user = users::find(db, session.user_id).await?;
    Ok(user.filter(|user| user.is_active).map(|user| (session, user)))
}

/// Does the same in one statement on PostgreSQL. SQLite cannot return columns of the joined user.
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
            "UPDATE sessions SET generation = $2 + 1, \
             previous_use_at = CASE WHEN generation = $2 THEN last_used_at END, last_used_at = $3, ip_address = $4, \
             expires_at = least($5, absolute_expires_at) \
             FROM users \
             WHERE sessions.id = $1 AND generation <= $2 AND revoked_at IS NULL AND expires_at > $3 \
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

/// Ends a session early unless it was ended early before, and returns whether it did.
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

/// Returns the sessions that were ended early after this time, with the time of each.
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
pub async fn insert(txn: &impl ConnectionTrait, session: &Model) -> Result<(), DbErr> {
    let row = ActiveModel::from(session.clone()).reset_all();
    Entity::insert(row).exec_without_returning(txn).await.map(drop)
}

/// Deletes the sessions that ended before this time, early or because they were not used.
///
/// The identifiers begin with the time of the sign-in, so that the key leads to the old ones: an index on what each
/// refresh changes would have to be written each time.
pub async fn purge(db: &impl ConnectionTrait, before: DateTimeUtc) -> Result<u64, DbErr> {
    let ended = Expr::col(Column::RevokedAt).if_null(Expr::col(Column::ExpiresAt)).lt(before);
    let outdated = Condition::all().add(Column::Id.lt(SessionId::lowest(before))).add(ended);
    in_batches::<Entity>(db, Column::Id, outdated).await
}

/// Removes the addresses and user agents from the sessions of a user.
pub async fn forget_devices_of(txn: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    let nothing = Option::<String>::None;
    let forgotten = Entity::update_many()
        .col_expr(Column::UserAgent, Expr::value(nothing.clone()))
        .col_expr(Column::IpAddress, Expr::value(nothing));
    forgotten.filter(Column::UserId.eq(user)).exec(txn).await.map(drop)
}
