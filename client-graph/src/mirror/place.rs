//! The table `mirror_feed`: how far the mirror has followed the feed, and which replica follows it.
//!
//! The holder writes rows and place in one transaction, and the transaction counts only while it is the holder: one that
//! was late, and replaced, changes nothing.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, OnConflict};

/// The one row.
const NAME: &str = "mirrored_users";

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mirror_feed")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub holder: String,
    pub held_until: DateTimeUtc,
    /// Where the feed is to be followed from; absent before the first snapshot.
    pub cursor: Option<String>,
    /// Where the snapshots go on; absent when all were taken over.
    pub snapshot: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// How far the mirror is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) cursor: Option<String>,
    pub(crate) snapshot: Option<String>,
}

/// The right to move the place, for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease<'a> {
    pub(crate) holder: &'a str,
    pub(crate) now: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

/// Takes the lease that nobody holds, or prolongs one's own; none when another has it.
pub(super) async fn take(db: &impl ConnectionTrait, lease: Lease<'_>) -> Result<Option<Place>, DbErr> {
    let free = Expr::col((Entity, Column::HeldUntil)).lte(lease.now);
    let own = Expr::col((Entity, Column::Holder)).eq(lease.holder);
    let on_conflict = OnConflict::column(Column::Name)
        .update_columns([Column::Holder, Column::HeldUntil])
        .action_and_where(free.or(own))
        .to_owned();
    let row = ActiveModel {
        name: Set(NAME.to_owned()),
        holder: Set(lease.holder.to_owned()),
        held_until: Set(lease.until),
        cursor: Set(None),
        snapshot: Set(None),
    };
    if Entity::insert(row).on_conflict(on_conflict).exec_without_returning(db).await? == 0 {
        return Ok(None);
    }
    let row = Entity::find_by_id(NAME.to_owned()).one(db).await?;
    Ok(row.map(|row| Place { cursor: row.cursor, snapshot: row.snapshot }))
}

/// Moves the place, if the lease is still one's own.
pub(super) async fn advance(db: &impl ConnectionTrait, lease: Lease<'_>, place: &Place) -> Result<bool, DbErr> {
    let moved = Entity::update_many()
        .col_expr(Column::Cursor, Expr::value(place.cursor.clone()))
        .col_expr(Column::Snapshot, Expr::value(place.snapshot.clone()))
        .col_expr(Column::HeldUntil, Expr::value(lease.until))
        .filter(Column::Name.eq(NAME))
        .filter(Column::Holder.eq(lease.holder))
        .exec(db)
        .await?;
    Ok(moved.rows_affected == 1)
}

/// Lets another replica go on at once.
pub(super) async fn give_back(db: &impl ConnectionTrait, holder: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    let given = Entity::update_many()
        .col_expr(Column::HeldUntil, Expr::value(now))
        .filter(Column::Name.eq(NAME))
        .filter(Column::Holder.eq(holder));
    given.exec(db).await.map(drop)
}
