//! An index by time on the outbox, for sessions and tokens that ended recently and for rows that are due for deletion.

use sea_orm_migration::prelude::*;

const NAME: &str = "changes_recorded_at";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::create().name(NAME).table(Changes::Table).col(Changes::RecordedAt).to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(NAME).table(Changes::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Changes {
    Table,
    RecordedAt,
}
