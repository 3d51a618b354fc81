//! Credentials: what a user signs in with, one row for each.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(UserCredentials::Table)
                    .col(ColumnDef::new(UserCredentials::UserId).uuid().not_null())
                    .col(ColumnDef::new(UserCredentials::Kind).text().not_null())
                    .col(ColumnDef::new(UserCredentials::Id).uuid().not_null())
                    .col(ColumnDef::new(UserCredentials::Secret).text().not_null())
                    .col(ColumnDef::new(UserCredentials::ChangedAt).timestamp_with_time_zone().not_null())
                    .primary_key(
                        Index::create()
                            .col(UserCredentials::UserId)
                            .col(UserCredentials::Kind)
                            .col(UserCredentials::Id),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(UserCredentials::Table, UserCredentials::UserId)
                            .to(Users::Table, Users::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(UserCredentials::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum UserCredentials {
    Table,
    UserId,
    Kind,
    Id,
    Secret,
    ChangedAt,
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
}
