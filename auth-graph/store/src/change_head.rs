//! The single row that holds the last position of the outbox.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};

/// The row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_head")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Last position that was given; 0 before the first.
    pub position: i64,
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Takes the next `count` positions, and returns the last of them. Nobody else numbers changes until the transaction
/// ends.
pub async fn take(txn: &impl ConnectionTrait, count: i64) -> Result<i64, DbErr> {
    let updated = Entity::update_many()
        .col_expr(Column::Position, Expr::col(Column::Position).add(count))
        .filter(Column::Id.eq(1))
        .exec_with_returning(txn)
        .await?;
    updated.first().map(|row| row.position).ok_or_else(|| DbErr::RecordNotFound("change_head".to_owned()))
}
