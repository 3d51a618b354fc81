//! Login events: who signed in or tried to, from where, and what the answer was. An e-mail address that belongs to
//! nobody is not kept.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{DbBackend, FromQueryResult, QueryOrder, QuerySelect, QueryTrait, Select, Set};

use super::window::{Window, comparable, latest_first};
use model::values::{SessionId, TokenId, UserId};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_events")]
pub struct Model {
    /// Names the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// When.
    pub occurred_at: DateTimeUtc,
    /// What was asked for.
    pub kind: Kind,
    /// The code of the refusal; none: it was granted.
    pub code: Option<String>,
    /// Who, where that is known.
    pub user_id: Option<UserId>,
    /// The session that it began or ended.
    pub session_id: Option<SessionId>,
    /// With which client.
    pub client_id: Option<String>,
    /// The method of the first proof, as in `amr`; none where no proof was given.
    pub method: Option<String>,
    /// The identity provider that vouched for the user; none: the user proved it here.
    pub provider: Option<String>,
    /// The application that sent the user here to sign in; none: the client itself.
    pub application: Option<String>,
    /// The network address of the client.
    pub ip_address: Option<String>,
    /// The user agent, as the client states it.
    pub user_agent: Option<String>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// A sign-in with a password.
    #[sea_orm(string_value = "login")]
    Login,
    /// An outdated refresh token was presented.
    #[sea_orm(string_value = "refresh_reused")]
    RefreshReused,
    /// An administrator got a token of the user.
    #[sea_orm(string_value = "impersonation")]
    Impersonation,
}

/// There are none that this crate follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds an event.
///
/// # Errors
/// When the database fails.
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

/// What a list of events is narrowed to; every condition must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Whose.
    pub user_id: Option<UserId>,
    /// What was asked for.
    pub kind: Option<Kind>,
    /// Whether it was granted.
    pub granted: Option<bool>,
    /// With which client.
    pub client_id: Option<String>,
    /// From where.
    pub ip_address: Option<String>,
    /// Not before.
    pub from: Option<DateTimeUtc>,
    /// Before.
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
        .apply_if(filter.from, |query, from| query.filter(Column::OccurredAt.gte(comparable(from))))
        .apply_if(filter.until, |query, until| query.filter(Column::OccurredAt.lt(comparable(until))))
}

/// One page of events, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &impl ConnectionTrait, filter: &Filter, window: Window) -> Result<Vec<Model>, DbErr> {
    latest_first(db, filtered(filter), Column::Id, window).await
}

/// How many events of one kind, result and client there were in one hour or day.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Count {
    /// The hour or day: `2026-11-25T13` or `2026-11-25`, in UTC.
    pub start: String,
    /// What was asked for.
    pub kind: Kind,
    /// The code of the refusal; none: it was granted.
    pub code: Option<String>,
    /// With which client.
    pub client_id: Option<String>,
    /// How many.
    pub count: i64,
}

/// How long the pieces are that events are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Hours.
    Hour,
    /// Days.
    Day,
}

/// Counts events by piece of time, kind, result and client.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &impl ConnectionTrait, filter: &Filter, piece: Piece) -> Result<Vec<Count>, DbErr> {
    let start = match (db.get_database_backend(), piece) {
        (DbBackend::Postgres, Piece::Hour) => r#"to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24')"#,
        (DbBackend::Postgres, Piece::Day) => "to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        // Times are kept as text there, in RFC 3339 and UTC.
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
///
/// # Errors
/// When the database fails.
pub async fn purge(db: &impl ConnectionTrait, before: DateTimeUtc) -> Result<u64, DbErr> {
    let outdated = Expr::col(Column::OccurredAt).lt(before);
    Ok(Entity::delete_many().filter(outdated).exec(db).await?.rows_affected)
}

/// Forgets from where and with what a user has signed in.
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
