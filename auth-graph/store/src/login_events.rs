//! Login events: granted and rejected sign-ins with their user, device and result. An e-mail address that belongs to no
//! user is not stored.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, DbBackend, FromQueryResult, QueryOrder, QuerySelect, QueryTrait, Select, Set};

use super::purge::in_batches;
use super::window::{Window, comparable, latest_first};
use model::values::{EventId, SessionId, UserId};

/// A login event.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_events")]
pub struct Model {
    /// Identifier of the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EventId,
    /// Time of the event (UTC).
    pub occurred_at: DateTimeUtc,
    /// Kind of the event.
    pub kind: Kind,
    /// Error code of the rejection; `None` when the request was granted.
    pub code: Option<String>,
    /// User, if known.
    pub user_id: Option<UserId>,
    /// Session that began or ended, or that a rejected request was sent in.
    pub session_id: Option<SessionId>,
    /// Client that the user signed in with.
    pub client_id: Option<String>,
    /// Method of the first proof, as in the claim `amr`; `None` without a proof.
    pub method: Option<String>,
    /// Identity provider that vouched for the user; `None` when the user gave the proof here.
    pub provider: Option<String>,
    /// Application that sent the user here to sign in; `None` for the client itself.
    pub application: Option<String>,
    /// Network address of the client.
    pub ip_address: Option<String>,
    /// User agent that the client states.
    pub user_agent: Option<String>,
}

/// Kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// A sign-in with a password. A rejected event can be any other request with a wrong password.
    #[sea_orm(string_value = "login")]
    Login,
    /// An outdated refresh token was presented.
    #[sea_orm(string_value = "refresh_reused")]
    RefreshReused,
    /// An administrator got a token of the user.
    #[sea_orm(string_value = "impersonation")]
    Impersonation,
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds an event.
pub async fn insert(db: &impl ConnectionTrait, event: Model) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(event.id),
        occurred_at: Set(event.occurred_at),
        kind: Set(event.kind),
        code: Set(event.code),
        user_id: Set(event.user_id),
        session_id: Set(event.session_id),
        client_id: Set(event.client_id),
        method: Set(event.method),
        provider: Set(event.provider),
        application: Set(event.application),
        ip_address: Set(event.ip_address),
        user_agent: Set(event.user_agent),
    };
    Entity::insert(row).exec_without_returning(db).await.map(drop)
}

/// Conditions for a list of events; all of them must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// User.
    pub user_id: Option<UserId>,
    /// Kind of the event.
    pub kind: Option<Kind>,
    /// True for granted, false for rejected sign-ins.
    pub granted: Option<bool>,
    /// Client that the user signed in with.
    pub client_id: Option<String>,
    /// Network address of the client.
    pub ip_address: Option<String>,
    /// Earliest time (inclusive).
    pub from: Option<DateTimeUtc>,
    /// Latest time (exclusive).
    pub until: Option<DateTimeUtc>,
}

fn filtered(filter: &Filter) -> Select<Entity> {
    Entity::find()
        .apply_if(filter.user_id, |query, id| query.filter(Column::UserId.eq(id)))
        .apply_if(filter.kind, |query, kind| query.filter(Column::Kind.eq(kind)))
        .apply_if(filter.granted, |query, granted| match granted {
            true => query.filter(Column::Code.is_null()),
            false => query.filter(Column::Code.is_not_null()),
        })
        .apply_if(filter.client_id.as_ref(), |query, id| query.filter(Column::ClientId.eq(id)))
        .apply_if(filter.ip_address.as_ref(), |query, address| query.filter(Column::IpAddress.eq(address)))
        .apply_if(filter.from, |query, from| {
            // The identifiers begin with the time, so that the key leads to the first one.
            let from = comparable(from);
            query.filter(Column::Id.gte(EventId::lowest(from))).filter(Column::OccurredAt.gte(from))
        })
        .apply_if(filter.until, |query, until| query.filter(Column::OccurredAt.lt(comparable(until))))
}

/// Returns one page of events, the latest first.
pub async fn page(db: &impl ConnectionTrait, filter: &Filter, window: Window) -> Result<Vec<Model>, DbErr> {
    latest_first(db, filtered(filter), Column::Id, window).await
}

/// Number of events of one kind, result and client in one hour or day.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Count {
    /// The hour or day: `2026-11-25T13` or `2026-11-25`, in UTC.
    pub start: String,
    /// Kind of the events.
    pub kind: Kind,
    /// Error code of the rejection; `None` when the request was granted.
    pub code: Option<String>,
    /// Client.
    pub client_id: Option<String>,
    /// Number of events.
    pub count: i64,
}

/// Length of the periods in which events are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Hours.
    Hour,
    /// Days.
    Day,
}

/// Counts events by period, kind, result and client.
pub async fn count(db: &impl ConnectionTrait, filter: &Filter, piece: Piece) -> Result<Vec<Count>, DbErr> {
    let start = match (db.get_database_backend(), piece) {
        (DbBackend::Postgres, Piece::Hour) => r#"to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24')"#,
        (DbBackend::Postgres, Piece::Day) => "to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        // SQLite stores times as text, in RFC 3339 and UTC.
        (_, Piece::Hour) => "replace(substr(occurred_at, 1, 13), ' ', 'T')",
        (_, Piece::Day) => "substr(occurred_at, 1, 10)",
    };
    filtered(filter)
        .select_only()
        .column_as(Expr::cust(start), "start")
        .columns([Column::Kind, Column::Code, Column::ClientId])
        .column_as(Column::Id.count(), "count")
        .group_by(Expr::cust(start))
        .group_by(Column::Kind)
        .group_by(Column::Code)
        .group_by(Column::ClientId)
        .order_by_asc(Expr::cust(start))
        .order_by_asc(Column::Kind)
        .order_by_asc(Column::Code)
        .order_by_asc(Column::ClientId)
        .into_model()
        .all(db)
        .await
}

/// Deletes the events before this time.
pub async fn purge(db: &impl ConnectionTrait, before: DateTimeUtc) -> Result<u64, DbErr> {
    crate::months::drop_before(db, "login_events", before).await?;
    // The identifiers begin with the time, so that the key leads to the old ones.
    let outdated = Condition::all().add(Column::Id.lt(EventId::lowest(before))).add(Column::OccurredAt.lt(before));
    in_batches::<Entity>(db, Column::Id, outdated).await
}

/// Removes the addresses and user agents from the events of a user.
pub async fn forget_devices_of(txn: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    let nothing = Option::<String>::None;
    let forgotten = Entity::update_many()
        .col_expr(Column::UserAgent, Expr::value(nothing.clone()))
        .col_expr(Column::IpAddress, Expr::value(nothing));
    forgotten.filter(Column::UserId.eq(user)).exec(txn).await.map(drop)
}
