//! Service clients: programs that sign in with a secret of their own.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(ServiceClients::Table)
                    .col(ColumnDef::new(ServiceClients::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(ServiceClients::Name).text().not_null().unique_key())
                    .col(ColumnDef::new(ServiceClients::SecretHash).text().not_null())
                    .col(ColumnDef::new(ServiceClients::Scopes).json_binary().not_null())
                    .col(ColumnDef::new(ServiceClients::Audiences).json_binary().not_null())
                    .col(ColumnDef::new(ServiceClients::CreatedAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(ServiceClients::DisabledAt).timestamp_with_time_zone())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(ServiceClients::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum ServiceClients {
    Table,
    Id,
    Name,
    SecretHash,
    Scopes,
    Audiences,
    CreatedAt,
    DisabledAt,
}
