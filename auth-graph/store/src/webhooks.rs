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
    /// Names it.
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
    /// The secret before, encrypted, which signs too …
    pub previous_secret: Option<Vec<u8>>,
    /// … until then.
    pub previous_secret_until: Option<DateTimeUtc>,
    /// Up to here in the outbox its deliveries were made.
    pub position: i64,
    /// Time of creation (UTC).
    pub created_at: DateTimeUtc,
    /// Since when it has done nothing but fail.
    pub failing_since: Option<DateTimeUtc>,
    /// From when on it is told nothing.
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

/// Returns every endpoint, disabled ones among them, the oldest first.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::Id).all(db).await
}

/// Returns the active endpoints, and the position up to which deliveries were made for each.
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

/// Replaces what is stored of an endpoint that is locked.
pub async fn replace(txn: &impl ConnectionTrait, webhook: Model) -> Result<(), DbErr> {
    Entity::update(ActiveModel::from(webhook).reset_all()).exec(txn).await.map(drop)
}

/// Stores a secret encrypted anew, unless it was replaced or dropped meanwhile.
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

/// Has every endpoint told of what comes after a position.
pub async fn move_to(txn: &impl ConnectionTrait, position: i64) -> Result<(), DbErr> {
    Entity::update_many().col_expr(Column::Position, Expr::value(position)).exec(txn).await.map(drop)
}

/// Deletes an endpoint with its deliveries.
pub async fn delete(txn: &impl ConnectionTrait, id: WebhookId) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(txn).await.map(drop)
}

/// Records that an endpoint fails from now on.
pub async fn begin_to_fail(db: &impl ConnectionTrait, id: WebhookId, now: DateTimeUtc) -> Result<(), DbErr> {
    let failing = Entity::update_many().col_expr(Column::FailingSince, Expr::value(now));
    failing.filter(Column::Id.eq(id)).exec(db).await.map(drop)
}

/// Records that an endpoint has done what it should.
pub async fn recover(db: &impl ConnectionTrait, id: WebhookId) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::FailingSince, Expr::value(None::<DateTimeUtc>))
        .filter(Column::Id.eq(id))
        .filter(Column::FailingSince.is_not_null())
        .exec(db)
        .await
        .map(drop)
}
