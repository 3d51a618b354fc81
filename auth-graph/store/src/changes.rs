//! The outbox: a row for each change to a user or a session, written in the same transaction as the change.
//!
//! Rows are numbered in the order of the commits and without a gap, so that a reader who asks "after this position"
//! misses nothing. An autoincrement column would not do: PostgreSQL gives its numbers when a row is written, and of
//! two transactions the one with the higher number may commit first.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect, Set};

use super::change_head as head;
use super::window::comparable;
use model::values::{ClientId, RolesAndScopes, SessionId, UserId};

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "changes")]
pub struct Model {
    /// Its place in the order of commits, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// Kind of the change.
    pub kind: Kind,
    /// To whom; the nil UUID where it is about nobody.
    pub user_id: UserId,
    /// To which of their sessions, where it is about one.
    pub session_id: Option<SessionId>,
    /// The user's version after a change to the user; 0 for a session.
    pub version: i64,
    /// Time of the change (UTC).
    pub recorded_at: DateTimeUtc,
    /// Roles, scopes and flags of the user before the change, if it changed them.
    pub held_before: Option<RolesAndScopes>,
}

/// Kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// The user was made.
    #[sea_orm(string_value = "user_created")]
    UserCreated,
    /// The user was changed, disabled or enabled.
    #[sea_orm(string_value = "user_updated")]
    UserUpdated,
    /// The user was deleted.
    #[sea_orm(string_value = "user_deleted")]
    UserDeleted,
    /// A session was ended early.
    #[sea_orm(string_value = "session_revoked")]
    SessionRevoked,
    /// An access token of a service client was revoked. Its identifier takes the place of the session.
    #[sea_orm(string_value = "token_revoked")]
    TokenRevoked,
    /// A signing key was added, put into use or withdrawn: of interest to replicas only.
    #[sea_orm(string_value = "keys_changed")]
    KeysChanged,
    /// A service client is shown something else of users from now on; it takes the place of the user.
    #[sea_orm(string_value = "client_changed")]
    ClientChanged,
    /// A service client got another secret: of interest to replicas only.
    #[sea_orm(string_value = "client_secret_changed")]
    ClientSecretChanged,
}

impl Kind {
    /// Returns whether the subject of the change is a user.
    #[must_use]
    pub fn is_about_user(self) -> bool {
        matches!(self, Self::UserCreated | Self::UserUpdated | Self::UserDeleted)
    }
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Records a change. Until the transaction ends, every other writer of changes waits: do this last.
pub async fn append(
    txn: &impl ConnectionTrait,
    kind: Kind,
    user_id: UserId,
    session_id: Option<SessionId>,
    version: i64,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    let change = Model { position: 0, kind, user_id, session_id, version, recorded_at: now, held_before: None };
    append_whole(txn, change).await
}

/// Records a change to a user, with what they held before where that is different. As [`append`]: do this last.
pub async fn append_edit(
    txn: &impl ConnectionTrait,
    kind: Kind,
    user: &crate::users::Model,
    held_before: Option<RolesAndScopes>,
) -> Result<(), DbErr> {
    let (user_id, version, recorded_at) = (user.id, user.version, user.updated_at);
    append_whole(txn, Model { position: 0, kind, user_id, session_id: None, version, recorded_at, held_before }).await
}

async fn append_whole(txn: &impl ConnectionTrait, change: Model) -> Result<(), DbErr> {
    let change = Model { position: head::next(txn).await?, ..change };
    Entity::insert(ActiveModel::from(change).reset_all()).exec_without_returning(txn).await?;
    crate::wake::notify(txn).await
}

/// Records that many users were made, in this order.
pub async fn append_created(txn: &impl ConnectionTrait, users: &[UserId], now: DateTimeUtc) -> Result<(), DbErr> {
    let count = i64::try_from(users.len()).unwrap_or(i64::MAX);
    let first = head::take(txn, count).await? - count + 1;
    let rows = (first..).zip(users).map(|(position, user)| ActiveModel {
        position: Set(position),
        kind: Set(Kind::UserCreated),
        user_id: Set(*user),
        session_id: Set(None),
        version: Set(1),
        recorded_at: Set(now),
        held_before: Set(None),
    });
    Entity::insert_many(rows).exec_without_returning(txn).await?;
    crate::wake::notify(txn).await
}

/// Records that the signing keys have changed.
pub async fn append_keys_changed(txn: &impl ConnectionTrait, now: DateTimeUtc) -> Result<(), DbErr> {
    append(txn, Kind::KeysChanged, UserId(Uuid::nil()), None, 0, now).await
}

/// Records that a service client is shown something else of users.
pub async fn append_client_changed(
    txn: &impl ConnectionTrait,
    client: ClientId,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    append(txn, Kind::ClientChanged, UserId(client.0), None, 0, now).await
}

/// Records that a service client got another secret.
pub async fn append_client_secret_changed(
    txn: &impl ConnectionTrait,
    client: ClientId,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    append(txn, Kind::ClientSecretChanged, UserId(client.0), None, 0, now).await
}

/// Returns the changes after a position, in order.
pub async fn after(db: &impl ConnectionTrait, position: i64, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Position.gt(position)).order_by_asc(Column::Position).limit(limit).all(db).await
}

/// Returns the position of the first change that was recorded since a time.
pub async fn first_since(db: &impl ConnectionTrait, since: DateTimeUtc) -> Result<Option<i64>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Position)
        .filter(Column::RecordedAt.gte(comparable(since)))
        .order_by_asc(Column::Position)
        .into_tuple::<i64>()
        .one(db)
        .await
}

/// Returns what was revoked since a time, after a position, in order.
pub async fn ended_since(
    db: &impl ConnectionTrait,
    since: DateTimeUtc,
    position: i64,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::RecordedAt.gt(since))
        .filter(Column::Kind.is_in([Kind::SessionRevoked, Kind::TokenRevoked]))
        .filter(Column::Position.gt(position))
        .order_by_asc(Column::Position)
        .limit(limit)
        .all(db)
        .await
}

/// Deletes every change.
pub async fn delete_all(txn: &impl ConnectionTrait) -> Result<(), DbErr> {
    Entity::delete_many().exec(txn).await.map(drop)
}

/// Deletes the oldest changes up to the first that was recorded since this time.
pub async fn purge(db: &impl ConnectionTrait, before: DateTimeUtc) -> Result<u64, DbErr> {
    // A change may have been recorded a little before another that has the lower position: only whole beginnings go, as
    // a reader tells by a gap that something was deleted.
    let kept = first_since(db, before).await?;
    let outdated = Entity::delete_many().filter(Column::RecordedAt.lt(before));
    let outdated = match kept {
        Some(position) => outdated.filter(Column::Position.lt(position)),
        None => outdated,
    };
    Ok(outdated.exec(db).await?.rows_affected)
}
