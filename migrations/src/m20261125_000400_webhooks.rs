//! Webhooks: the endpoints that are notified of changes, and the deliveries to each.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Webhooks::Table)
                    .col(ColumnDef::new(Webhooks::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(Webhooks::Url).text().not_null())
                    .col(ColumnDef::new(Webhooks::Description).text().not_null())
                    .col(ColumnDef::new(Webhooks::EventTypes).json_binary().not_null())
                    .col(ColumnDef::new(Webhooks::Secret).binary().not_null())
                    .col(ColumnDef::new(Webhooks::PreviousSecret).binary())
                    .col(ColumnDef::new(Webhooks::PreviousSecretUntil).timestamp_with_time_zone())
                    .col(ColumnDef::new(Webhooks::Position).big_integer().not_null())
                    .col(ColumnDef::new(Webhooks::CreatedAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(Webhooks::FailingSince).timestamp_with_time_zone())
                    .col(ColumnDef::new(Webhooks::DisabledAt).timestamp_with_time_zone())
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(WebhookDeliveries::Table)
                    .col(ColumnDef::new(WebhookDeliveries::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(WebhookDeliveries::WebhookId).uuid().not_null())
                    .col(ColumnDef::new(WebhookDeliveries::Position).big_integer().not_null())
                    .col(ColumnDef::new(WebhookDeliveries::Kind).text().not_null())
                    .col(ColumnDef::new(WebhookDeliveries::SubjectKind).text())
                    .col(ColumnDef::new(WebhookDeliveries::SubjectId).uuid())
                    .col(ColumnDef::new(WebhookDeliveries::SessionId).uuid())
                    .col(ColumnDef::new(WebhookDeliveries::TokenId).uuid())
                    .col(ColumnDef::new(WebhookDeliveries::Version).big_integer().not_null())
                    .col(ColumnDef::new(WebhookDeliveries::RecordedAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(WebhookDeliveries::State).text().not_null())
                    .col(ColumnDef::new(WebhookDeliveries::QueuedAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(WebhookDeliveries::DueAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(WebhookDeliveries::Attempts).integer().not_null())
                    .col(ColumnDef::new(WebhookDeliveries::AttemptedAt).timestamp_with_time_zone())
                    .col(ColumnDef::new(WebhookDeliveries::Failure).text())
                    .col(ColumnDef::new(WebhookDeliveries::Status).integer())
                    .col(ColumnDef::new(WebhookDeliveries::DurationMs).integer())
                    .foreign_key(
                        ForeignKey::create()
                            .from(WebhookDeliveries::Table, WebhookDeliveries::WebhookId)
                            .to(Webhooks::Table, Webhooks::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("webhook_deliveries_webhook_id_position")
                    .table(WebhookDeliveries::Table)
                    .col(WebhookDeliveries::WebhookId)
                    .col(WebhookDeliveries::Position)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("webhook_deliveries_state_due_at")
                    .table(WebhookDeliveries::Table)
                    .col(WebhookDeliveries::State)
                    .col(WebhookDeliveries::DueAt)
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(WebhookDeliveries::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Webhooks::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Webhooks {
    Table,
    Id,
    Url,
    Description,
    EventTypes,
    Secret,
    PreviousSecret,
    PreviousSecretUntil,
    Position,
    CreatedAt,
    FailingSince,
    DisabledAt,
}

#[derive(DeriveIden)]
enum WebhookDeliveries {
    Table,
    Id,
    WebhookId,
    Position,
    Kind,
    SubjectKind,
    SubjectId,
    SessionId,
    TokenId,
    Version,
    RecordedAt,
    State,
    QueuedAt,
    DueAt,
    Attempts,
    AttemptedAt,
    Failure,
    Status,
    DurationMs,
}
