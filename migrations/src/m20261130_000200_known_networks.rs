//! The networks that users have signed in from, and the failures of a counter in a row.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let known = Table::create()
            .table(KnownNetworks::Table)
            .col(ColumnDef::new(KnownNetworks::UserId).uuid().not_null())
            .col(ColumnDef::new(KnownNetworks::Network).text().not_null())
            .col(ColumnDef::new(KnownNetworks::Until).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().col(KnownNetworks::UserId).col(KnownNetworks::Network))
            .foreign_key(
                ForeignKey::create()
                    .from(KnownNetworks::Table, KnownNetworks::UserId)
                    .to(Users::Table, Users::Id)
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(known).await?;
        for column in [
            ColumnDef::new(RateLimits::Failures).integer().not_null().default(0).to_owned(),
            ColumnDef::new(RateLimits::FailedAt).big_integer().to_owned(),
        ] {
            manager.alter_table(Table::alter().table(RateLimits::Table).add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [RateLimits::FailedAt, RateLimits::Failures] {
            manager.alter_table(Table::alter().table(RateLimits::Table).drop_column(column).to_owned()).await?;
        }
        manager.drop_table(Table::drop().table(KnownNetworks::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum KnownNetworks {
    Table,
    UserId,
    Network,
    Until,
}

#[derive(DeriveIden)]
enum RateLimits {
    Table,
    Failures,
    FailedAt,
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
}
