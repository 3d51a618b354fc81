//! The rows of the outbox: one for each change to a user or a session, written in the same transaction as the change.
//!
//! Their positions are given when the transaction has committed: see [`crate::outbox`], through which they are read.

use sea_orm::entity::prelude::*;
use sea_orm::{Condition, DbBackend, NotSet, QueryOrder, QuerySelect, Set};

use super::change_head;
use super::purge::in_batches;
use super::window::comparable;
use model::values::{ClientId, Revoked, RolesAndScopes, SessionId, Subject, TokenId, UserId};

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "changes")]
pub struct Model {
    /// Its place in the order of commits, from 1. On PostgreSQL it is null until the change is numbered; such rows are
    /// not read.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// Kind of the change.
    pub kind: Kind,
    /// Kind of the subject; none for a change without one.
    pub subject_kind: Option<SubjectKind>,
    /// Identifier of the subject.
    pub subject_id: Option<Uuid>,
    /// Session that ended, for [`Kind::SessionRevoked`].
    pub session_id: Option<SessionId>,
    /// Token that was revoked, for [`Kind::TokenRevoked`].
    pub token_id: Option<TokenId>,
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
    /// A session of a user was ended early.
    #[sea_orm(string_value = "session_revoked")]
    SessionRevoked,
    /// A service client was disabled, which ends all its tokens.
    #[sea_orm(string_value = "client_revoked")]
    ClientRevoked,
    /// A single access token of a service client was revoked.
    #[sea_orm(string_value = "token_revoked")]
    TokenRevoked,
    /// A signing key was added, put into use or withdrawn.
    #[sea_orm(string_value = "keys_changed")]
    KeysChanged,
    /// The projection of a service client was changed.
    #[sea_orm(string_value = "client_changed")]
    ClientChanged,
    /// A service client got another secret: of interest to replicas only.
    #[sea_orm(string_value = "client_secret_changed")]
    ClientSecretChanged,
}

/// Kind of the subject of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum SubjectKind {
    /// A user.
    #[sea_orm(string_value = "user")]
    User,
    /// A service client.
    #[sea_orm(string_value = "client")]
    Client,
}

impl Model {
    /// Returns the user or service client that the change is about; none for a change without a subject.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        subject(self.subject_kind, self.subject_id)
    }

    /// Returns the user whose data has changed, or `None` for another change.
    #[must_use]
    pub fn changed_user(&self) -> Option<UserId> {
        match self.kind {
            Kind::UserCreated | Kind::UserUpdated | Kind::UserDeleted => self.subject()?.user(),
            _ => None,
        }
    }

    /// Returns what has ended, or `None` for another change.
    #[must_use]
    pub fn revoked(&self) -> Option<Revoked> {
        match self.kind {
            Kind::SessionRevoked => self.session_id.map(Revoked::Session),
            Kind::ClientRevoked => self.subject()?.client().map(Revoked::Client),
            Kind::TokenRevoked => self.token_id.map(Revoked::Token),
            _ => None,
        }
    }
}

/// Returns the subject that two columns name.
pub(super) fn subject(kind: Option<SubjectKind>, id: Option<Uuid>) -> Option<Subject> {
    Some(match kind? {
        SubjectKind::User => Subject::User(UserId(id?)),
        SubjectKind::Client => Subject::Client(ClientId(id?)),
    })
}

fn subject_kind(subject: Subject) -> SubjectKind {
    match subject {
        Subject::User(_) => SubjectKind::User,
        Subject::Client(_) => SubjectKind::Client,
    }
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Records a change to a user.
pub async fn append_user(
    txn: &impl ConnectionTrait,
    kind: Kind,
    user: UserId,
    version: i64,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    append(txn, Model { version, ..change(kind, Some(Subject::User(user)), now) }).await
}

/// Records a change to a user, with what they held before where that is different.
pub async fn append_edit(
    txn: &impl ConnectionTrait,
    kind: Kind,
    user: &crate::users::Model,
    held_before: Option<RolesAndScopes>,
) -> Result<(), DbErr> {
    let subject = Some(Subject::User(user.id));
    append(txn, Model { version: user.version, held_before, ..change(kind, subject, user.updated_at) }).await
}

/// Records that a session of a user has ended.
pub async fn append_session_revoked(
    txn: &impl ConnectionTrait,
    user: UserId,
    session: SessionId,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    let subject = Some(Subject::User(user));
    append(txn, Model { session_id: Some(session), ..change(Kind::SessionRevoked, subject, now) }).await
}

/// Records that a token of a service client was revoked.
pub async fn append_token_revoked(
    txn: &impl ConnectionTrait,
    client: ClientId,
    token: TokenId,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    let subject = Some(Subject::Client(client));
    append(txn, Model { token_id: Some(token), ..change(Kind::TokenRevoked, subject, now) }).await
}

/// Records a change to a service client.
pub async fn append_client(
    txn: &impl ConnectionTrait,
    kind: Kind,
    client: ClientId,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    append(txn, change(kind, Some(Subject::Client(client)), now)).await
}

/// Records that the signing keys have changed.
pub async fn append_keys_changed(txn: &impl ConnectionTrait, now: DateTimeUtc) -> Result<(), DbErr> {
    append(txn, change(Kind::KeysChanged, None, now)).await
}

/// Builds a change without a position.
fn change(kind: Kind, subject: Option<Subject>, recorded_at: DateTimeUtc) -> Model {
    Model {
        position: 0,
        kind,
        subject_kind: subject.map(subject_kind),
        subject_id: subject.map(Subject::uuid),
        session_id: None,
        token_id: None,
        version: 0,
        recorded_at,
        held_before: None,
    }
}

async fn append(txn: &impl ConnectionTrait, change: Model) -> Result<(), DbErr> {
    insert(txn, vec![change]).await
}

/// Records that many users were made, in this order.
pub async fn append_created(txn: &impl ConnectionTrait, users: &[UserId], now: DateTimeUtc) -> Result<(), DbErr> {
    let created = |user: &UserId| Model { version: 1, ..change(Kind::UserCreated, Some(Subject::User(*user)), now) };
    insert(txn, users.iter().map(created).collect()).await
}

/// Writes changes in this order. On SQLite, whose transactions commit one after the other, they have their positions at
/// once.
async fn insert(txn: &impl ConnectionTrait, changes: Vec<Model>) -> Result<(), DbErr> {
    let row = |change: Model, position| ActiveModel { position, ..ActiveModel::from(change).reset_all() };
    let rows: Vec<ActiveModel> = match txn.get_database_backend() {
        DbBackend::Postgres => changes.into_iter().map(|change| row(change, NotSet)).collect(),
        _ => {
            let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
            let first = change_head::take(txn, count).await? - count + 1;
            (first..).zip(changes).map(|(position, change)| row(change, Set(position))).collect()
        }
    };
    Entity::insert_many(rows).exec_without_returning(txn).await.map(drop)
}

/// Returns the changes after a position that are numbered, in order.
pub async fn after(db: &impl ConnectionTrait, position: i64, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Position.gt(position)).order_by_asc(Column::Position).limit(limit).all(db).await
}

/// Returns the position of the first change that was recorded since a time.
pub async fn first_since(db: &impl ConnectionTrait, since: DateTimeUtc) -> Result<Option<i64>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Position)
        .filter(Column::RecordedAt.gte(comparable(since)))
        .filter(Column::Position.is_not_null())
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
        .filter(Column::Kind.is_in([Kind::SessionRevoked, Kind::ClientRevoked, Kind::TokenRevoked]))
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
    let outdated = Condition::all().add(Column::RecordedAt.lt(before)).add(Column::Position.is_not_null());
    let outdated = outdated.add_option(kept.map(|position| Column::Position.lt(position)));
    in_batches::<Entity>(db, Column::Position, outdated).await
}
