//! The table `mirror_feed`: how far each mirror of the database has followed the feed, and which replica follows it.
//!
//! The holder writes rows and place in one transaction, and the transaction counts only while it is the holder: one
//! that was late, and replaced, changes nothing.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, OnConflict};

use super::place::{Lease, Place};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mirror_feed")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    /// The table of the mirror.
    pub name: String,
    pub holder: String,
    pub held_until: DateTimeUtc,
    /// Where the feed is to be followed from; absent before the first snapshot.
    pub cursor: Option<String>,
    /// How far the snapshots were taken over, as JSON; absent when all were.
    pub snapshot: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Takes the lease that nobody holds, or prolongs one's own; none when another has it.
pub(super) async fn take(db: &impl ConnectionTrait, table: &str, lease: Lease<'_>) -> Result<Option<Place>, DbErr> {
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
    // What can not be read is begun anew.
    let snapshots = |text: String| serde_json::from_str(&text).ok();
    Ok(row.map(|row| match row.snapshot.map(snapshots) {
        Some(None) => Place::default(),
        taken_over => Place { cursor: row.cursor, snapshots: taken_over.flatten() },
    }))
}

/// Moves the place, if the lease is still one's own.
pub(super) async fn advance(
    db: &impl ConnectionTrait,
    table: &str,
    lease: Lease<'_>,
    place: &Place,
) -> Result<bool, DbErr> {
    let snapshots = place.snapshots.as_ref().map(serde_json::to_string).transpose();
    let snapshots = snapshots.map_err(|error| DbErr::Json(error.to_string()))?;
    let moved = Entity::update_many()
        .col_expr(Column::Cursor, Expr::value(place.cursor.clone()))
        .col_expr(Column::Snapshot, Expr::value(snapshots))
        .col_expr(Column::HeldUntil, Expr::value(lease.until))
        .filter(Column::Name.eq(table))
        .filter(Column::Holder.eq(lease.holder))
        .exec(db)
        .await?;
    Ok(moved.rows_affected == 1)
}

/// Lets another replica go on at once.
pub(super) async fn give_back(
    db: &impl ConnectionTrait,
    table: &str,
    holder: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let given = Entity::update_many()
        .col_expr(Column::HeldUntil, Expr::value(now))
        .filter(Column::Name.eq(table))
        .filter(Column::Holder.eq(holder));
    given.exec(db).await.map(drop)
}

/// The mirror is not there any more: another one of its name begins anew.
pub(super) async fn forget(db: &impl ConnectionTrait, table: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(table.to_owned()).exec(db).await.map(drop)
}
