//! Counters of attempts, shared by all replicas. They use the generic cell rate algorithm: one number for each key, the
//! time at which its whole burst is available again. `engine::limits` defines what is counted.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict};
use sea_orm::{Condition, QueryTrait, Set};

use super::purge::in_batches;

/// A counter.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rate_limits")]
pub struct Model {
    /// Subject of the counter.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Time at which the whole burst is available again, in microseconds since the epoch.
    pub free_at: i64,
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A counter and its rate.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Key of the counter.
    pub key: String,
    /// Cost of one attempt, in microseconds.
    pub interval: i64,
    /// Maximum time that the counter may be ahead of the present, in microseconds.
    pub burst: i64,
}

/// Takes one attempt from each counter, or from none, and returns whether the attempt was accepted.
///
/// It is a single statement, so that concurrent attempts cannot share one. `now` is in microseconds since the epoch.
/// Concurrent attempts may arrive in another order than they read their clocks, and the clocks of replicas differ.
/// Therefore an attempt that is early by a tenth of its interval is accepted. It costs as much as any other attempt, so
/// that callers gain nothing.
pub async fn take(db: &impl ConnectionTrait, rules: &[Rule], now: i64) -> Result<bool, DbErr> {
    if rules.is_empty() {
        return Ok(true);
    }
    let latest = rules.iter().fold(CaseStatement::new(), |latest, rule| {
        let early = rule.interval / 10;
        latest.case(added(Column::Key).eq(&rule.key), now + rule.burst - rule.interval + early)
    });
    let start = CaseStatement::new().case(current().gt(now), current()).finally(now);
    let on_conflict = OnConflict::column(Column::Key)
        .value(Column::FreeAt, Expr::expr(start).add(added(Column::FreeAt)).sub(now))
        .action_and_where(current().lte(latest))
        .to_owned();
    let rows = rules.iter().map(|rule| row(&rule.key, now + rule.interval));
    let mut insert = Entity::insert_many(rows).on_conflict(on_conflict).into_query();
    let taken = db.query_all(insert.returning_col(Column::Key)).await?;
    if taken.len() == rules.len() {
        return Ok(true);
    }
    let taken = taken.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, _>>()?;
    let taken: Vec<_> = rules.iter().filter(|rule| taken.contains(&rule.key)).cloned().collect();
    give_back(db, &taken).await?;
    Ok(false)
}

/// Gives one attempt back to each counter.
///
/// The rows are locked in the order of the rules, like in [`take`]. An `UPDATE` would lock them in any order, and could
/// deadlock.
pub async fn give_back(db: &impl ConnectionTrait, rules: &[Rule]) -> Result<(), DbErr> {
    if rules.is_empty() {
        return Ok(());
    }
    let on_conflict =
        OnConflict::column(Column::Key).value(Column::FreeAt, current().add(added(Column::FreeAt))).to_owned();
    // A counter that was deleted meanwhile is inserted with its whole burst available.
    let rows = rules.iter().map(|rule| row(&rule.key, -rule.interval));
    Entity::insert_many(rows).on_conflict(on_conflict).exec_without_returning(db).await.map(drop)
}

/// Returns for each existing counter the time at which its whole burst is available, in microseconds since the epoch.
pub async fn find(db: &impl ConnectionTrait, rules: &[Rule]) -> Result<HashMap<String, i64>, DbErr> {
    let keys = rules.iter().map(|rule| &rule.key);
    let found = Entity::find().filter(Column::Key.is_in(keys)).all(db).await?;
    Ok(found.into_iter().map(|counter| (counter.key, counter.free_at)).collect())
}

fn row(key: &str, free_at: i64) -> ActiveModel {
    ActiveModel { key: Set(key.to_owned()), free_at: Set(free_at) }
}

/// Returns the stored value of the counter.
fn current() -> Expr {
    Expr::col((Entity, Column::FreeAt))
}

/// Returns a value of the row that conflicts.
fn added(column: Column) -> Expr {
    Expr::col(("excluded", column))
}

/// Deletes the counters whose whole burst is available.
pub async fn purge(db: &impl ConnectionTrait, now: i64) -> Result<u64, DbErr> {
    in_batches::<Entity>(db, Column::Key, Condition::all().add(Column::FreeAt.lte(now))).await
}
