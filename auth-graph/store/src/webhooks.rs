//! The endpoints that are notified of changes, with their encrypted secrets. Deliveries are in `webhook_deliveries`.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QueryOrder, QuerySelect};

use super::unique;
use model::values::{EventTypes, WebhookId, WebhookUrl};

/// An endpoint.
#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub struct Model {
    /// Identifier of the endpoint.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookId,
    /// Address of the endpoint.
    pub url: WebhookUrl,
    /// Description for people; may be empty.
    pub description: String,
    /// Types of the events that it receives.
    pub event_types: EventTypes,
    /// Secret that signs its deliveries, encrypted.
    pub secret: Vec<u8>,
    /// Previous secret, encrypted, which also signs deliveries until it expires.
    pub previous_secret: Option<Vec<u8>>,
    /// Time until which the previous secret signs (UTC).
    pub previous_secret_until: Option<DateTimeUtc>,
    /// Position in the outbox up to which deliveries were created.
    pub position: i64,
    /// Time of creation (UTC).
    pub created_at: DateTimeUtc,
    /// Time since which every delivery has failed (UTC).
    pub failing_since: Option<DateTimeUtc>,
    /// Time at which the endpoint was disabled (UTC).
    pub disabled_at: Option<DateTimeUtc>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Webhook").field("id", &self.id).field("url", &self.url).finish_non_exhaustive()
    }
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the endpoint with this identifier, disabled or not.
pub async fn find(db: &impl ConnectionTrait, id: WebhookId) -> Result<Option<Model>, DbErr> {
    unique(Entity::find_by_id(id), db).await
}

/// Returns the endpoint with this identifier, locked until the transaction ends.
pub async fn find_locked(txn: &impl ConnectionTrait, id: WebhookId) -> Result<Option<Model>, DbErr> {
    unique(Entity::find_by_id(id).lock_exclusive(), txn).await
}

/// Returns every endpoint, including disabled ones, the oldest first.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::Id).all(db).await
}

/// Returns the active endpoints, each with the position up to which deliveries were created.
pub async fn positions(db: &impl ConnectionTrait) -> Result<Vec<(WebhookId, i64)>, DbErr> {
    Entity::find()
        .select_only()
        .columns([Column::Id, Column::Position])
        .filter(Column::DisabledAt.is_null())
        .into_tuple()
        .all(db)
        .await
}

/// Adds an endpoint.
pub async fn insert(txn: &impl ConnectionTrait, webhook: Model) -> Result<(), DbErr> {
    let row = ActiveModel::from(webhook).reset_all();
    Entity::insert(row).exec_without_returning(txn).await.map(drop)
}

/// Updates an endpoint whose row is locked.
pub async fn replace(txn: &impl ConnectionTrait, webhook: Model) -> Result<(), DbErr> {
    Entity::update(ActiveModel::from(webhook).reset_all()).exec(txn).await.map(drop)
}

/// Stores a re-encrypted secret, unless the secret was replaced or removed meanwhile.
pub async fn reseal(db: &impl ConnectionTrait, id: WebhookId, sealed: &[u8], resealed: Vec<u8>) -> Result<(), DbErr> {
    for column in [Column::Secret, Column::PreviousSecret] {
        Entity::update_many()
            .col_expr(column, Expr::value(resealed.clone()))
            .filter(Column::Id.eq(id))
            .filter(column.eq(sealed))
            .exec(db)
            .await?;
    }
    Ok(())
}

/// Moves every endpoint to a position, after which it is notified of changes.
pub async fn move_to(txn: &impl ConnectionTrait, position: i64) -> Result<(), DbErr> {
    Entity::update_many().col_expr(Column::Position, Expr::value(position)).exec(txn).await.map(drop)
}

/// Deletes an endpoint with its deliveries.
pub async fn delete(txn: &impl ConnectionTrait, id: WebhookId) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(txn).await.map(drop)
}

/// Records the time since which an endpoint fails.
pub async fn begin_to_fail(db: &impl ConnectionTrait, id: WebhookId, now: DateTimeUtc) -> Result<(), DbErr> {
    let failing = Entity::update_many().col_expr(Column::FailingSince, Expr::value(now));
    failing.filter(Column::Id.eq(id)).exec(db).await.map(drop)
}

/// Records that an endpoint has accepted a delivery.
pub async fn recover(db: &impl ConnectionTrait, id: WebhookId) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::FailingSince, Expr::value(None::<DateTimeUtc>))
        .filter(Column::Id.eq(id))
        .filter(Column::FailingSince.is_not_null())
        .exec(db)
        .await
        .map(drop)
}
