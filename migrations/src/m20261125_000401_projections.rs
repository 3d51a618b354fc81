//! The users and fields that each service client may read, and the roles and scopes that a user had before a change,
//! which decide who reads the user.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            ColumnDef::new(Clients::Projection).json_binary().to_owned(),
            ColumnDef::new(Clients::ProjectionGeneration).big_integer().not_null().default(0).to_owned(),
        ] {
            manager.alter_table(Table::alter().table(Clients::Table).add_column(column).to_owned()).await?;
        }
        let column = ColumnDef::new(Changes::HeldBefore).json_binary().to_owned();
        manager.alter_table(Table::alter().table(Changes::Table).add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(Changes::Table).drop_column(Changes::HeldBefore).to_owned()).await?;
        for column in [Clients::ProjectionGeneration, Clients::Projection] {
            manager.alter_table(Table::alter().table(Clients::Table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

#[derive(DeriveIden)]
enum Clients {
    Table,
    Projection,
    ProjectionGeneration,
}

#[derive(DeriveIden)]
enum Changes {
    Table,
    HeldBefore,
}
