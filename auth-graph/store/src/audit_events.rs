//! The audit log. Rows are added, read, and deleted after their retention time. No row is ever changed; the database
//! rejects changes too. `engine::audit` decides what is recorded.

use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QueryOrder, QuerySelect, QueryTrait, Select};

use super::purge::in_batches;
use super::window::{Window, comparable, latest_first};
use model::values::EventId;

/// An event of the audit log.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    /// Identifier. Later events have greater ones.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EventId,
    /// Time of the event (UTC).
    pub occurred_at: DateTimeUtc,
    /// Action: a kind of object and a verb, such as `user.disable`.
    pub action: String,
    /// Kind of the actor.
    pub actor_kind: ActorKind,
    /// Identifier of the actor; `None` for the operator and for auth-graph itself.
    pub actor_id: Option<Uuid>,
    /// Kind of the target.
    pub target_kind: String,
    /// Identifier of the target.
    pub target_id: String,
    /// Changed members before the action.
    pub before: Option<Json>,
    /// Changed members after the action.
    pub after: Option<Json>,
    /// Reason, in the words of the actor.
    pub reason: Option<String>,
    /// Identifier of the request.
    pub request_id: Option<String>,
    /// Network address of the client.
    pub ip_address: Option<String>,
}

/// Kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum ActorKind {
    /// The operator at the command line.
    #[sea_orm(string_value = "operator")]
    Operator,
    /// A user.
    #[sea_orm(string_value = "user")]
    User,
    /// A service client.
    #[sea_orm(string_value = "service")]
    Service,
    /// auth-graph itself.
    #[sea_orm(string_value = "system")]
    System,
}

impl ActorKind {
    /// Returns the name in the database.
    #[must_use]
    pub fn name(&self) -> String {
        self.to_value()
    }
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Conditions for a list of events; all of them must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Identifier of the actor.
    pub actor_id: Option<Uuid>,
    /// Identifier of the target.
    pub target_id: Option<String>,
    /// Action.
    pub action: Option<String>,
    /// Earliest time (inclusive).
    pub from: Option<DateTimeUtc>,
    /// Latest time (exclusive).
    pub until: Option<DateTimeUtc>,
}

fn filtered(filter: &Filter) -> Select<Entity> {
    Entity::find()
        .apply_if(filter.actor_id, |query, id| query.filter(Column::ActorId.eq(id)))
        .apply_if(filter.target_id.as_ref(), |query, id| query.filter(Column::TargetId.eq(id)))
        .apply_if(filter.action.as_ref(), |query, action| query.filter(Column::Action.eq(action)))
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

/// Returns the next events in chronological order.
pub async fn after(
    db: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<EventId>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let query = filtered(filter).apply_if(after, |query, id| query.filter(Column::Id.gt(id)));
    query.order_by_asc(Column::Id).limit(limit).all(db).await
}

/// Adds an event.
pub async fn insert(txn: &impl ConnectionTrait, event: Model) -> Result<(), DbErr> {
    let row = ActiveModel::from(event).reset_all();
    Entity::insert(row).exec_without_returning(txn).await.map(drop)
}

/// Deletes the events before this time.
pub async fn purge(db: &impl ConnectionTrait, before: DateTimeUtc) -> Result<u64, DbErr> {
    crate::months::drop_before(db, "audit_events", before).await?;
    // The identifiers begin with the time, so that the key leads to the old ones.
    let outdated = Condition::all().add(Column::Id.lt(EventId::lowest(before))).add(Column::OccurredAt.lt(before));
    in_batches::<Entity>(db, Column::Id, outdated).await
}
