//! The place of each password in an even order, from which decoys are drawn. Rows that exist get theirs while the
//! service runs, as does the index.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new(UserCredentials::Place).big_integer().to_owned();
        manager.alter_table(Table::alter().table(UserCredentials::Table).add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite drops no column that has an index.
        manager.get_connection().execute_unprepared("DROP INDEX IF EXISTS user_credentials_place").await?;
        let table = Table::alter().table(UserCredentials::Table).drop_column(UserCredentials::Place).to_owned();
        manager.alter_table(table).await
    }
}

#[derive(DeriveIden)]
enum UserCredentials {
    Table,
    Place,
}
