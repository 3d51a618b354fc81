//! Users whose account was merged into another one, and erased users, who cannot be restored.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column in a statement.
        for column in [
            ColumnDef::new(Users::ErasedAt).timestamp_with_time_zone().to_owned(),
            ColumnDef::new(Users::MergedInto).uuid().to_owned(),
        ] {
            let alter = Table::alter().table(Users::Table).add_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        // An account that its user deleted has a placeholder address that no user can have.
        let erased = "UPDATE users SET erased_at = deleted_at WHERE email LIKE '%@deleted.invalid'";
        manager.get_connection().execute_unprepared(erased).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [Users::MergedInto, Users::ErasedAt] {
            manager.alter_table(Table::alter().table(Users::Table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

#[derive(DeriveIden)]
enum Users {
    Table,
    ErasedAt,
    MergedInto,
}
