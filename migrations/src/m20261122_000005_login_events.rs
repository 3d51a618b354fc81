//! Login events: who signed in, from where, and what the answer was.
//!
//! There is no foreign key: the record outlives the user.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(LoginEvents::Table)
                    .col(ColumnDef::new(LoginEvents::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(LoginEvents::OccurredAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(LoginEvents::Kind).text().not_null())
                    .col(ColumnDef::new(LoginEvents::Code).text())
                    .col(ColumnDef::new(LoginEvents::UserId).uuid())
                    .col(ColumnDef::new(LoginEvents::SessionId).uuid())
                    .col(ColumnDef::new(LoginEvents::ClientId).text())
                    .col(ColumnDef::new(LoginEvents::Method).text())
                    .col(ColumnDef::new(LoginEvents::Provider).text())
                    .col(ColumnDef::new(LoginEvents::Application).text())
                    .col(ColumnDef::new(LoginEvents::IpAddress).text())
                    .col(ColumnDef::new(LoginEvents::UserAgent).text())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("login_events_user_id")
                    .table(LoginEvents::Table)
                    .col(LoginEvents::UserId)
                    .col(LoginEvents::OccurredAt)
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(LoginEvents::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum LoginEvents {
    Table,
    Id,
    OccurredAt,
    Kind,
    Code,
    UserId,
    SessionId,
    ClientId,
    Method,
    Provider,
    Application,
    IpAddress,
    UserAgent,
}
