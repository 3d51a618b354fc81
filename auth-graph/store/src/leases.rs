//! Leases: of several replicas one does a piece of work, and another may when the first did not end in time. A lease
//! saves work; what must happen once is decided again under a lock, as a holder can be late.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, OnConflict};

/// A piece of work that one process does at a time.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leases")]
pub struct Model {
    /// The work.
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

/// Takes a lease that nobody holds, or prolongs one's own, in a single statement. The answer tells whether one has it.
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

/// Gives a lease back, if it is still one's own.
pub async fn give_back(db: &impl ConnectionTrait, name: &str, holder: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Name.eq(name)).filter(Column::Holder.eq(holder)).exec(db).await.map(drop)
}
