//! Counters of attempts, shared by every replica. The arithmetic is the generic cell rate algorithm: one number for
//! each key, the time at which the key would be wholly free again. What is counted is said in `limits`.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict};
use sea_orm::{QuerySelect, Set};

/// One counter.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rate_limits")]
pub struct Model {
    /// What is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// When it will be wholly free, in microseconds since the epoch.
    pub free_at: i64,
}

/// There are none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Takes one attempt, in a single statement, so that attempts in parallel can not share one.
///
/// All in microseconds: an attempt costs `interval`, and is heard while the counter is less than `burst` ahead of
/// `now`. The answer tells whether it was heard.
///
/// # Errors
/// When the database fails.
pub async fn take(db: &impl ConnectionTrait, key: &str, now: i64, interval: i64, burst: i64) -> Result<bool, DbErr> {
    let current = || Expr::col((Entity, Column::FreeAt));
    let start = CaseStatement::new().case(current().gt(now), current()).finally(now);
    let on_conflict = OnConflict::column(Column::Key)
        .value(Column::FreeAt, Expr::expr(start).add(interval))
        .action_and_where(current().lte(now + burst - interval))
        .to_owned();
    let row = ActiveModel { key: Set(key.to_owned()), free_at: Set(now + interval) };
    let written = Entity::insert(row).on_conflict(on_conflict).exec_without_returning(db).await?;
    Ok(written == 1)
}

/// Gives one attempt back.
///
/// # Errors
/// When the database fails.
pub async fn give_back(db: &impl ConnectionTrait, key: &str, interval: i64) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::FreeAt, Expr::col(Column::FreeAt).sub(interval))
        .filter(Column::Key.eq(key))
        .exec(db)
        .await
        .map(drop)
}

/// When this key will be wholly free, in microseconds since the epoch.
///
/// # Errors
/// When the database fails.
pub async fn free_at(db: &impl ConnectionTrait, key: &str) -> Result<Option<i64>, DbErr> {
    Entity::find_by_id(key.to_owned()).select_only().column(Column::FreeAt).into_tuple().one(db).await
}

/// Deletes the counters that are wholly free.
///
/// # Errors
/// When the database fails.
pub async fn purge(db: &impl ConnectionTrait, now: i64) -> Result<u64, DbErr> {
    Ok(Entity::delete_many().filter(Column::FreeAt.lte(now)).exec(db).await?.rows_affected)
}
