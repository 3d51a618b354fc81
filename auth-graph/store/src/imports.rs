//! The progress of each import, so that an interrupted import continues where it stopped.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

/// An import.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "imports")]
pub struct Model {
    /// Name of the source, without its location.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Position in the source up to which rows were read.
    pub position: String,
    /// Number of users that were created.
    pub imported: i64,
    /// Number of rows that were rejected.
    pub refused: i64,
    /// Time of the last update (UTC).
    pub updated_at: DateTimeUtc,
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the progress of an import, if it has begun.
pub async fn find(db: &impl ConnectionTrait, name: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(name).one(db).await
}

/// Stores the progress of an import.
pub async fn save(txn: &impl ConnectionTrait, import: Model) -> Result<(), DbErr> {
    let columns = [Column::Position, Column::Imported, Column::Refused, Column::UpdatedAt];
    let replace = OnConflict::column(Column::Name).update_columns(columns).to_owned();
    Entity::insert(import.into_active_model().reset_all()).on_conflict(replace).exec_without_returning(txn).await?;
    Ok(())
}
