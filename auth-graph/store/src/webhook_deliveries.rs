//! Deliveries to endpoints of webhooks: a row for each change and endpoint, kept as a log after the delivery.
//!
//! A row repeats the change, but not the data of the user: the message is written when it is sent, with the user as
//! stored then.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{Condition, QueryOrder, QuerySelect, QueryTrait};

use super::changes::{self, Kind, SubjectKind};
use super::purge::in_batches;
use super::unique;
use super::window::{Window, comparable, latest_first};
use model::values::{DeliveryId, SessionId, Subject, TokenId, WebhookId};

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// Identifier, the same for all attempts; the endpoint receives it too.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeliveryId,
    /// Endpoint.
    pub webhook_id: WebhookId,
    /// The position of the change.
    pub position: i64,
    /// Kind of the change.
    pub kind: Kind,
    /// Kind of the subject of the change.
    pub subject_kind: Option<SubjectKind>,
    /// Identifier of the subject.
    pub subject_id: Option<Uuid>,
    /// Session that ended, if one did.
    pub session_id: Option<SessionId>,
    /// Token that was revoked, if one was.
    pub token_id: Option<TokenId>,
    /// The user's version after the change.
    pub version: i64,
    /// Time of the change (UTC).
    pub recorded_at: DateTimeUtc,
    /// State of the delivery.
    pub state: State,
    /// Time at which it was last queued (UTC).
    pub queued_at: DateTimeUtc,
    /// Time of the next attempt (UTC).
    pub due_at: DateTimeUtc,
    /// Number of attempts since it was queued.
    pub attempts: i32,
    /// Time of the last attempt (UTC).
    pub attempted_at: Option<DateTimeUtc>,
    /// Reason for which the last attempt failed.
    pub failure: Option<Failure>,
    /// HTTP status of the answer to the last attempt.
    pub status: Option<i32>,
    /// Duration of the last attempt in milliseconds.
    pub duration_ms: Option<i32>,
}

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum State {
    /// It waits for its next attempt.
    #[sea_orm(string_value = "waiting")]
    Waiting,
    /// The endpoint has accepted it.
    #[sea_orm(string_value = "delivered")]
    Delivered,
    /// It was given up.
    #[sea_orm(string_value = "dead")]
    Dead,
}

impl State {
    /// Returns the name in the database.
    #[must_use]
    pub fn name(&self) -> String {
        self.to_value()
    }
}

/// Reason for which an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Failure {
    /// The answer had no success status.
    #[sea_orm(string_value = "status")]
    Status,
    /// The answer did not come in time.
    #[sea_orm(string_value = "timed_out")]
    TimedOut,
    /// The connection failed.
    #[sea_orm(string_value = "unreachable")]
    Unreachable,
    /// The address is not allowed.
    #[sea_orm(string_value = "not_allowed")]
    NotAllowed,
}

/// Outcome of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// State of the delivery after the attempt.
    pub state: State,
    /// Time of the next attempt, if there is one (UTC).
    pub due_at: DateTimeUtc,
    /// Reason for which the attempt failed, if it did.
    pub failure: Option<Failure>,
    /// HTTP status of the answer, if there was one.
    pub status: Option<i32>,
    /// Duration in milliseconds.
    pub duration_ms: i32,
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Builds the delivery of a change, which waits from now on.
    #[must_use]
    pub fn new(webhook: WebhookId, change: changes::Model, now: DateTimeUtc) -> Self {
        Self {
            id: DeliveryId::generate(now),
            webhook_id: webhook,
            position: change.position,
            kind: change.kind,
            subject_kind: change.subject_kind,
            subject_id: change.subject_id,
            session_id: change.session_id,
            token_id: change.token_id,
            version: change.version,
            recorded_at: change.recorded_at,
            state: State::Waiting,
            queued_at: now,
            due_at: now,
            attempts: 0,
            attempted_at: None,
            failure: None,
            status: None,
            duration_ms: None,
        }
    }

    /// Returns the change, without what the user held before it.
    #[must_use]
    pub fn change(&self) -> changes::Model {
        changes::Model {
            position: self.position,
            kind: self.kind,
            subject_kind: self.subject_kind,
            subject_id: self.subject_id,
            session_id: self.session_id,
            token_id: self.token_id,
            version: self.version,
            recorded_at: self.recorded_at,
            held_before: None,
        }
    }

    /// Returns the user or service client that the change is about.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        changes::subject(self.subject_kind, self.subject_id)
    }
}

/// Inserts the deliveries that do not exist yet.
pub async fn insert_missing(txn: &impl ConnectionTrait, deliveries: Vec<Model>) -> Result<(), DbErr> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let rows = deliveries.into_iter().map(|delivery| ActiveModel::from(delivery).reset_all());
    let there = OnConflict::columns([Column::WebhookId, Column::Position]).do_nothing().to_owned();
    Entity::insert_many(rows).on_conflict(there).exec_without_returning(txn).await.map(drop)
}

/// Returns the delivery with this identifier.
pub async fn find(db: &impl ConnectionTrait, id: DeliveryId) -> Result<Option<Model>, DbErr> {
    unique(Entity::find_by_id(id), db).await
}

/// Returns the endpoints with a delivery that is due.
pub async fn webhooks_due(db: &impl ConnectionTrait, now: DateTimeUtc) -> Result<Vec<WebhookId>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::WebhookId)
        .distinct()
        .filter(Column::State.eq(State::Waiting))
        .filter(Column::DueAt.lte(now))
        .into_tuple()
        .all(db)
        .await
}

/// Returns the delivery to an endpoint that is due next, in the order of the changes.
pub async fn next(db: &impl ConnectionTrait, webhook: WebhookId, now: DateTimeUtc) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::WebhookId.eq(webhook))
        .filter(Column::State.eq(State::Waiting))
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::Position)
        .one(db)
        .await
}

/// Claims a delivery for an attempt until `until`. Returns false if another process has claimed it.
pub async fn claim(
    db: &impl ConnectionTrait,
    delivery: &Model,
    now: DateTimeUtc,
    until: DateTimeUtc,
) -> Result<bool, DbErr> {
    let updated = Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(delivery.attempts + 1))
        .col_expr(Column::AttemptedAt, Expr::value(now))
        .col_expr(Column::DueAt, Expr::value(until))
        .filter(Column::Id.eq(delivery.id))
        .filter(Column::Attempts.eq(delivery.attempts))
        .filter(Column::State.eq(State::Waiting))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Records the outcome of a claimed attempt, unless the delivery was given up meanwhile.
pub async fn conclude(db: &impl ConnectionTrait, delivery: &Model, outcome: Outcome) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(outcome.state.to_value()))
        .col_expr(Column::DueAt, Expr::value(outcome.due_at))
        .col_expr(Column::Failure, Expr::value(outcome.failure.map(|failure| failure.to_value())))
        .col_expr(Column::Status, Expr::value(outcome.status))
        .col_expr(Column::DurationMs, Expr::value(outcome.duration_ms))
        .filter(Column::Id.eq(delivery.id))
        .filter(Column::Attempts.eq(delivery.attempts + 1))
        .filter(Column::State.eq(State::Waiting))
        .exec(db)
        .await
        .map(drop)
}

/// Gives up the waiting deliveries of an endpoint.
pub async fn give_up(txn: &impl ConnectionTrait, webhook: WebhookId) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Dead.to_value()))
        .filter(Column::WebhookId.eq(webhook))
        .filter(Column::State.eq(State::Waiting))
        .exec(txn)
        .await
        .map(drop)
}

/// Deliveries that are queued again.
#[derive(Clone, Copy, Debug)]
pub enum Requeued {
    /// This delivery.
    One(DeliveryId),
    /// Every change since a time, to one endpoint.
    Since(WebhookId, DateTimeUtc),
}

/// Queues deliveries again that were accepted or given up. Returns their number.
pub async fn requeue(txn: &impl ConnectionTrait, requeued: Requeued, now: DateTimeUtc) -> Result<u64, DbErr> {
    let waiting = Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Waiting.to_value()))
        .col_expr(Column::QueuedAt, Expr::value(now))
        .col_expr(Column::DueAt, Expr::value(now))
        .col_expr(Column::Attempts, Expr::value(0))
        .filter(Column::State.ne(State::Waiting));
    let waiting = match requeued {
        Requeued::One(id) => waiting.filter(Column::Id.eq(id)),
        Requeued::Since(webhook, since) => {
            let since = comparable(since);
            waiting.filter(Column::WebhookId.eq(webhook)).filter(Column::RecordedAt.gte(since))
        }
    };
    Ok(waiting.exec(txn).await?.rows_affected)
}

/// Returns one page of the deliveries to an endpoint, the latest change first.
pub async fn page(
    db: &impl ConnectionTrait,
    webhook: WebhookId,
    state: Option<State>,
    window: Window,
) -> Result<Vec<Model>, DbErr> {
    let deliveries = Entity::find()
        .filter(Column::WebhookId.eq(webhook))
        .apply_if(state, |query, state| query.filter(Column::State.eq(state)));
    latest_first(db, deliveries, Column::Id, window).await
}

/// Returns the number of deliveries in a state.
pub async fn count(db: &impl ConnectionTrait, state: State) -> Result<u64, DbErr> {
    Entity::find().filter(Column::State.eq(state)).count(db).await
}

/// Deletes the accepted and abandoned deliveries that were queued before this time.
pub async fn purge(db: &impl ConnectionTrait, before: DateTimeUtc) -> Result<u64, DbErr> {
    // The identifiers begin with the time of the first queueing, so that the key leads to the old ones.
    let outdated = Condition::all()
        .add(Column::Id.lt(DeliveryId::lowest(before)))
        .add(Column::State.ne(State::Waiting))
        .add(Column::QueuedAt.lt(before));
    in_batches::<Entity>(db, Column::Id, outdated).await
}
