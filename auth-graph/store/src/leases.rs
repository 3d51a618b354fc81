//! Leases: one of several replicas does a piece of work, and another one takes over when it does not finish in time. A
//! lease only avoids duplicate work. Work that must happen once is checked again under a lock, because the holder of an
//! expired lease may still run.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, OnConflict};

/// A lease on a piece of work that one process does at a time.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leases")]
pub struct Model {
    /// Name of the work.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Process that does the work.
    pub holder: String,
    /// Time after which another process may take the work over (UTC).
    pub expires_at: DateTimeUtc,
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Takes a lease that is free, or extends the holder's own lease, in a single statement. Returns whether the holder has
/// it.
pub async fn take(
    db: &impl ConnectionTrait,
    name: &str,
    holder: &str,
    now: DateTimeUtc,
    expires_at: DateTimeUtc,
) -> Result<bool, DbErr> {
    let free = Expr::col((Entity, Column::ExpiresAt)).lte(now);
    let own = Expr::col((Entity, Column::Holder)).eq(holder);
    let on_conflict = OnConflict::column(Column::Name)
        .update_columns([Column::Holder, Column::ExpiresAt])
        .action_and_where(free.or(own))
        .to_owned();
    let row = ActiveModel { name: Set(name.to_owned()), holder: Set(holder.to_owned()), expires_at: Set(expires_at) };
    let written = Entity::insert(row).on_conflict(on_conflict).exec_without_returning(db).await?;
    Ok(written == 1)
}

/// Releases a lease, if the holder still has it.
pub async fn give_back(db: &impl ConnectionTrait, name: &str, holder: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Name.eq(name)).filter(Column::Holder.eq(holder)).exec(db).await.map(drop)
}
