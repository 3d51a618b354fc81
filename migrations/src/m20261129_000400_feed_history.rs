//! The history of the outbox: a random identifier, which is replaced after a restore. The service writes the row.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(FeedHistory::Table)
                    .col(ColumnDef::new(FeedHistory::Id).integer().not_null().primary_key())
                    .col(ColumnDef::new(FeedHistory::History).uuid().not_null())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(FeedHistory::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum FeedHistory {
    Table,
    Id,
    History,
}
