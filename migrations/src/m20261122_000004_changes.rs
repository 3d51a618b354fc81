//! The outbox: one row for each change to a user or a session, numbered in the order of the commits.
//!
//! The one row of `change_head` holds the last number given. Whoever writes a change takes the next number by updating
//! that row, which keeps it locked until the commit: numbers have no gap and become visible in their own order.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Changes::Table)
                    .col(ColumnDef::new(Changes::Position).big_integer().not_null().primary_key())
                    .col(ColumnDef::new(Changes::Kind).text().not_null())
                    .col(ColumnDef::new(Changes::SubjectKind).text())
                    .col(ColumnDef::new(Changes::SubjectId).uuid())
                    .col(ColumnDef::new(Changes::SessionId).uuid())
                    .col(ColumnDef::new(Changes::TokenId).uuid())
                    .col(ColumnDef::new(Changes::Version).big_integer().not_null())
                    .col(ColumnDef::new(Changes::RecordedAt).timestamp_with_time_zone().not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(ChangeHead::Table)
                    .col(ColumnDef::new(ChangeHead::Id).integer().not_null().primary_key())
                    .col(ColumnDef::new(ChangeHead::Position).big_integer().not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .execute(
                Query::insert()
                    .into_table(ChangeHead::Table)
                    .columns([ChangeHead::Id, ChangeHead::Position])
                    .values_panic([1.into(), 0.into()])
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Changes::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(ChangeHead::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Changes {
    Table,
    Position,
    Kind,
    SubjectKind,
    SubjectId,
    SessionId,
    TokenId,
    Version,
    RecordedAt,
}

#[derive(DeriveIden)]
enum ChangeHead {
    Table,
    Id,
    Position,
}
