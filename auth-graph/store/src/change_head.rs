//! The single row that holds the last position of the outbox. A transaction that takes the next position keeps the row
//! locked until its commit, so that positions are in the order of the commits.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};

use super::unique;

/// The row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_head")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Last position that was taken; 0 before the first.
    pub position: i64,
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Takes the next position.
pub(super) async fn next(txn: &impl ConnectionTrait) -> Result<i64, DbErr> {
    take(txn, 1).await
}

/// Takes the next `count` positions, and returns the last of them.
pub async fn take(txn: &impl ConnectionTrait, count: i64) -> Result<i64, DbErr> {
    let updated = Entity::update_many()
        .col_expr(Column::Position, Expr::col(Column::Position).add(count))
        .filter(Column::Id.eq(1))
        .exec_with_returning(txn)
        .await?;
    updated.first().map(|row| row.position).ok_or_else(|| DbErr::RecordNotFound("change_head".to_owned()))
}

/// Waits for all other writers of changes, and blocks them until the transaction ends. It is for work that reads before
/// it writes.
pub async fn lock(txn: &impl ConnectionTrait) -> Result<(), DbErr> {
    unique(Entity::find_by_id(1).lock_exclusive(), txn).await.map(drop)
}

/// Returns the last position that was committed.
pub async fn last(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    Ok(unique(Entity::find_by_id(1), db).await?.map_or(0, |row| row.position))
}
