//! Clients: the built-in ones that people sign in with, and service clients with their own secret.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::prelude::{DateTimeUtc, Json, Uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Clients::Table)
                    .col(ColumnDef::new(Clients::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(Clients::Kind).text().not_null())
                    .col(ColumnDef::new(Clients::Name).text().not_null().unique_key())
                    .col(ColumnDef::new(Clients::SecretHash).text())
                    .col(ColumnDef::new(Clients::Scopes).json_binary().not_null())
                    .col(ColumnDef::new(Clients::Audiences).json_binary().not_null())
                    .col(ColumnDef::new(Clients::CreatedAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(Clients::DisabledAt).timestamp_with_time_zone())
                    .to_owned(),
            )
            .await?;
        // Service clients cannot take these names, as names are unique.
        let columns =
            [Clients::Id, Clients::Kind, Clients::Name, Clients::Scopes, Clients::Audiences, Clients::CreatedAt];
        let mut built_in = Query::insert().into_table(Clients::Table).columns(columns).to_owned();
        for (number, name) in [(1_u128, "first-party"), (2, "impersonation")] {
            let id = Uuid::from_u128(0x8000_8000_0000_0000_0000 + number);
            let none = || Json::Array(Vec::new());
            let row = [id.into(), "built_in".into(), name.into(), none().into(), none().into()];
            built_in.values_panic(row.into_iter().chain([DateTimeUtc::UNIX_EPOCH.into()]));
        }
        manager.execute(built_in).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Clients::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Clients {
    Table,
    Id,
    Kind,
    Name,
    SecretHash,
    Scopes,
    Audiences,
    CreatedAt,
    DisabledAt,
}
