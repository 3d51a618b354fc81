//! The single row that identifies the history of the outbox. After a restore the same positions are given to other
//! changes, so they belong to another history.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use super::unique;

/// The row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_history")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Random identifier of the history.
    pub history: Uuid,
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the history, if one was written.
pub async fn current(db: &impl ConnectionTrait) -> Result<Option<Uuid>, DbErr> {
    Ok(unique(Entity::find_by_id(1), db).await?.map(|row| row.history))
}

/// Writes the first history, unless another process has done so.
pub async fn insert_missing(db: &impl ConnectionTrait, history: Uuid) -> Result<(), DbErr> {
    let keep = OnConflict::column(Column::Id).do_nothing().to_owned();
    let row = ActiveModel { id: Set(1), history: Set(history) };
    Entity::insert(row).on_conflict(keep).exec_without_returning(db).await.map(drop)
}

/// Begins another history.
pub async fn replace(txn: &impl ConnectionTrait, history: Uuid) -> Result<(), DbErr> {
    let overwrite = OnConflict::column(Column::Id).update_column(Column::History).to_owned();
    let row = ActiveModel { id: Set(1), history: Set(history) };
    Entity::insert(row).on_conflict(overwrite).exec_without_returning(txn).await.map(drop)
}
