//! The table `mirror_feed`: the progress of each mirror of the database, and the replica that holds its lease.
//!
//! The holder writes rows and progress in one transaction, which is committed only while it is the holder. A replica
//! that was late, and was replaced, changes nothing.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, OnConflict};

use super::progress::{FeedProgress, Lease};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mirror_feed")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    /// The table of the mirror.
    pub name: String,
    pub holder: String,
    pub held_until: DateTimeUtc,
    /// Cursor from which the feed continues; absent before the first snapshot.
    pub cursor: Option<String>,
    /// Progress through the snapshots, as JSON; absent when all were copied.
    pub snapshot: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Takes a free lease, or renews the holder's own; none when another replica holds it.
pub(super) async fn take(
    db: &impl ConnectionTrait,
    table: &str,
    lease: Lease<'_>,
) -> Result<Option<FeedProgress>, DbErr> {
    let free = Expr::col((Entity, Column::HeldUntil)).lte(lease.now);
    let own = Expr::col((Entity, Column::Holder)).eq(lease.holder);
    let on_conflict = OnConflict::column(Column::Name)
        .update_columns([Column::Holder, Column::HeldUntil])
        .action_and_where(free.or(own))
        .to_owned();
    let row = ActiveModel {
        name: Set(table.to_owned()),
        holder: Set(lease.holder.to_owned()),
        held_until: Set(lease.until),
        cursor: Set(None),
        snapshot: Set(None),
    };
    if Entity::insert(row).on_conflict(on_conflict).exec_without_returning(db).await? == 0 {
        return Ok(None);
    }
    let row = Entity::find_by_id(table.to_owned()).one(db).await?;
    // Progress that cannot be read is discarded: all users are read again.
    let snapshots = |text: String| serde_json::from_str(&text).ok();
    Ok(row.map(|row| match row.snapshot.map(snapshots) {
        Some(None) => FeedProgress::default(),
        snapshots => FeedProgress { cursor: row.cursor, snapshots: snapshots.flatten() },
    }))
}

/// Stores the progress, if the holder still has the lease.
pub(super) async fn advance(
    db: &impl ConnectionTrait,
    table: &str,
    lease: Lease<'_>,
    progress: &FeedProgress,
) -> Result<bool, DbErr> {
    let snapshots = progress.snapshots.as_ref().map(serde_json::to_string).transpose();
    let snapshots = snapshots.map_err(|error| DbErr::Json(error.to_string()))?;
    let moved = Entity::update_many()
        .col_expr(Column::Cursor, Expr::value(progress.cursor.clone()))
        .col_expr(Column::Snapshot, Expr::value(snapshots))
        .col_expr(Column::HeldUntil, Expr::value(lease.until))
        .filter(Column::Name.eq(table))
        .filter(Column::Holder.eq(lease.holder))
        .exec(db)
        .await?;
    Ok(moved.rows_affected == 1)
}

/// Releases the lease, so that another replica can continue at once.
pub(super) async fn release(
    db: &impl ConnectionTrait,
    table: &str,
    holder: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let released = Entity::update_many()
        .col_expr(Column::HeldUntil, Expr::value(now))
        .filter(Column::Name.eq(table))
        .filter(Column::Holder.eq(holder));
    released.exec(db).await.map(drop)
}

/// Deletes the progress of a mirror whose table was dropped.
pub(super) async fn forget(db: &impl ConnectionTrait, table: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(table.to_owned()).exec(db).await.map(drop)
}
