//! Account flows: the language of a user, the tokens that mails carry, and the mails that wait to be sent.
//!
//! There are no foreign keys: a token or a mail can be for an address that belongs to nobody yet.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table(Users::Table).add_column(ColumnDef::new(Users::Locale).text()).to_owned())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(OneTimeTokens::Table)
                    .col(ColumnDef::new(OneTimeTokens::Hash).text().not_null().primary_key())
                    .col(ColumnDef::new(OneTimeTokens::Purpose).text().not_null())
                    .col(ColumnDef::new(OneTimeTokens::UserId).uuid())
                    .col(ColumnDef::new(OneTimeTokens::Email).text().not_null())
                    .col(ColumnDef::new(OneTimeTokens::Payload).json_binary())
                    .col(ColumnDef::new(OneTimeTokens::CreatedAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(OneTimeTokens::ExpiresAt).timestamp_with_time_zone().not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("one_time_tokens_user_id")
                    .table(OneTimeTokens::Table)
                    .col(OneTimeTokens::UserId)
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Mails::Table)
                    .col(ColumnDef::new(Mails::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(Mails::Email).text().not_null())
                    .col(ColumnDef::new(Mails::Locale).text())
                    .col(ColumnDef::new(Mails::Letter).json_binary().not_null())
                    .col(ColumnDef::new(Mails::Attempts).integer().not_null())
                    .col(ColumnDef::new(Mails::DueAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(Mails::CreatedAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(Mails::FailedAt).timestamp_with_time_zone())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("mails_due_at").table(Mails::Table).col(Mails::DueAt).to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Mails::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(OneTimeTokens::Table).to_owned()).await?;
        manager.alter_table(Table::alter().table(Users::Table).drop_column(Users::Locale).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Locale,
}

#[derive(DeriveIden)]
enum OneTimeTokens {
    Table,
    Hash,
    Purpose,
    UserId,
    Email,
    Payload,
    CreatedAt,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum Mails {
    Table,
    Id,
    Email,
    Locale,
    Letter,
    Attempts,
    DueAt,
    CreatedAt,
    FailedAt,
}
