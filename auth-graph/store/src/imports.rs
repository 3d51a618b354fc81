//! How far each import is, so that one that was interrupted goes on where it stopped.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "imports")]
pub struct Model {
    /// Names the source, without telling where it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// What was read last, as the source says it.
    pub position: String,
    /// How many users were made.
    pub imported: i64,
    /// How many rows were refused.
    pub refused: i64,
    /// When this was written.
    pub updated_at: DateTimeUtc,
}

/// There are none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// How far an import is, if it has begun.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, name: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(name).one(db).await
}

/// Notes how far an import is.
///
/// # Errors
/// When the database fails.
pub async fn save(txn: &impl ConnectionTrait, import: Model) -> Result<(), DbErr> {
    let columns = [Column::Position, Column::Imported, Column::Refused, Column::UpdatedAt];
    let replace = OnConflict::column(Column::Name).update_columns(columns).to_owned();
    Entity::insert(import.into_active_model().reset_all()).on_conflict(replace).exec_without_returning(txn).await?;
    Ok(())
}
