//! Mails that wait with a link for a user: they go when the links that were sent before do.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new(Mails::UserId).uuid().to_owned();
        manager.alter_table(Table::alter().table(Mails::Table).add_column(column).to_owned()).await?;
        let index = Index::create().name("mails_user_id").table(Mails::Table).col(Mails::UserId).to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("mails_user_id").table(Mails::Table).to_owned()).await?;
        manager.alter_table(Table::alter().table(Mails::Table).drop_column(Mails::UserId).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Mails {
    Table,
    UserId,
}
