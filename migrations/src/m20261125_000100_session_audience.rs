//! The audience of a session whose tokens are not for the whole graph.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new(Sessions::Audience).text().to_owned();
        manager.alter_table(Table::alter().table(Sessions::Table).add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(Sessions::Table).drop_column(Sessions::Audience).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Sessions {
    Table,
    Audience,
}
