//! Counters of attempts, shared by all replicas. They use the generic cell rate algorithm: one number for each key, the
//! time at which its whole burst is available again. `engine::limits` defines what is counted.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict, Query};
use sea_orm::{Condition, FromQueryResult, NotSet, QueryTrait, Set};

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
    /// Number of failures in a row.
    pub failures: i32,
    /// Time of the last failure, in microseconds since the epoch.
    pub failed_at: Option<i64>,
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

/// Takes one attempt from each counter, and returns the counters. When one of them has none left, no attempt is taken,
/// and `None` is returned.
///
/// It is a single statement, so that concurrent attempts cannot share one. `now` is in microseconds since the epoch.
/// Concurrent attempts may arrive in another order than they read their clocks, and the clocks of replicas differ.
/// Therefore an attempt that is early by a tenth of its interval is accepted. It costs as much as any other attempt, so
/// that callers gain nothing.
pub async fn take(db: &impl ConnectionTrait, rules: &[Rule], now: i64) -> Result<Option<Vec<Model>>, DbErr> {
    if rules.is_empty() {
        return Ok(Some(Vec::new()));
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
    let columns = [Column::Key, Column::FreeAt, Column::Failures, Column::FailedAt];
    let taken = db.query_all(insert.returning(Query::returning().columns(columns))).await?;
    let taken = taken.iter().map(|row| Model::from_query_result(row, "")).collect::<Result<Vec<_>, _>>()?;
    if taken.len() == rules.len() {
        return Ok(Some(taken));
    }
    let is_taken = |rule: &&Rule| taken.iter().any(|counter| counter.key == rule.key);
    let taken: Vec<_> = rules.iter().filter(is_taken).cloned().collect();
    give_back(db, &taken).await?;
    Ok(None)
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

/// Records a failure of an attempt that was taken. Returns the number of failures in a row.
pub async fn fail(db: &impl ConnectionTrait, key: &str, now: i64) -> Result<i32, DbErr> {
    let failed = Entity::update_many()
        .col_expr(Column::Failures, Expr::col(Column::Failures).add(1))
        .col_expr(Column::FailedAt, Expr::value(now))
        .filter(Column::Key.eq(key))
        .exec_with_returning(db)
        .await?;
    Ok(failed.first().map_or(0, |counter| counter.failures))
}

/// Claims the only attempt that the last failure allows, and returns whether no other attempt was faster.
pub async fn claim(db: &impl ConnectionTrait, counter: &Model, now: i64) -> Result<bool, DbErr> {
    let claimed = Entity::update_many()
        .col_expr(Column::FailedAt, Expr::value(now))
        .filter(Column::Key.eq(&counter.key))
        .filter(Column::FailedAt.eq(counter.failed_at))
        .exec(db)
        .await?;
    Ok(claimed.rows_affected == 1)
}

/// Resets counters: their bursts are available, and they have no failures.
pub async fn reset(txn: &impl ConnectionTrait, keys: &[String]) -> Result<(), DbErr> {
    for key in keys {
        Entity::delete_by_id(key.clone()).exec(txn).await?;
    }
    Ok(())
}

/// Returns the counters that exist, by their keys.
pub async fn find(db: &impl ConnectionTrait, rules: &[Rule]) -> Result<HashMap<String, Model>, DbErr> {
    let keys = rules.iter().map(|rule| &rule.key);
    let found = Entity::find().filter(Column::Key.is_in(keys)).all(db).await?;
    Ok(found.into_iter().map(|counter| (counter.key.clone(), counter)).collect())
}

fn row(key: &str, free_at: i64) -> ActiveModel {
    ActiveModel { key: Set(key.to_owned()), free_at: Set(free_at), failures: NotSet, failed_at: NotSet }
}

/// Returns the stored value of the counter.
fn current() -> Expr {
    Expr::col((Entity, Column::FreeAt))
}

/// Returns a value of the row that conflicts.
fn added(column: Column) -> Expr {
    Expr::col(("excluded", column))
}

/// Deletes the counters whose whole burst is available, unless they have failed after `forgotten`.
pub async fn purge(db: &impl ConnectionTrait, now: i64, forgotten: i64) -> Result<u64, DbErr> {
    let is_forgotten = Condition::any().add(Column::FailedAt.is_null()).add(Column::FailedAt.lte(forgotten));
    in_batches::<Entity>(db, Column::Key, Condition::all().add(Column::FreeAt.lte(now)).add(is_forgotten)).await
}
