//! Imported users: the number that they had in the former system, and the progress of each import.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(UserNumbers::Table)
                    .col(ColumnDef::new(UserNumbers::Number).big_integer().not_null().primary_key())
                    .col(ColumnDef::new(UserNumbers::UserId).uuid().not_null().unique_key())
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Imports::Table)
                    .col(ColumnDef::new(Imports::Name).text().not_null().primary_key())
                    .col(ColumnDef::new(Imports::Position).text().not_null())
                    .col(ColumnDef::new(Imports::Imported).big_integer().not_null())
                    .col(ColumnDef::new(Imports::Refused).big_integer().not_null())
                    .col(ColumnDef::new(Imports::UpdatedAt).timestamp_with_time_zone().not_null())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Imports::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(UserNumbers::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum UserNumbers {
    Table,
    Number,
    UserId,
}

#[derive(DeriveIden)]
enum Imports {
    Table,
    Name,
    Position,
    Imported,
    Refused,
    UpdatedAt,
}
