//! Users: the accounts that auth-graph owns.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Users::Table)
                    .col(ColumnDef::new(Users::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(Users::Email).text().not_null().unique_key())
                    .col(ColumnDef::new(Users::FirstName).text().not_null())
                    .col(ColumnDef::new(Users::LastName).text().not_null())
                    .col(ColumnDef::new(Users::PhoneNumber).text())
                    .col(ColumnDef::new(Users::IsActive).boolean().not_null())
                    .col(ColumnDef::new(Users::IsStaff).boolean().not_null())
                    .col(ColumnDef::new(Users::IsSuperuser).boolean().not_null())
                    .col(ColumnDef::new(Users::EmailVerified).boolean().not_null())
                    .col(ColumnDef::new(Users::Roles).json_binary().not_null())
                    .col(ColumnDef::new(Users::Scopes).json_binary().not_null())
                    .col(ColumnDef::new(Users::Metadata).json_binary().not_null())
                    .col(ColumnDef::new(Users::DateJoined).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(Users::LastLogin).timestamp_with_time_zone())
                    .col(ColumnDef::new(Users::UpdatedAt).timestamp_with_time_zone().not_null())
                    .col(ColumnDef::new(Users::Version).big_integer().not_null())
                    .col(ColumnDef::new(Users::DeletedAt).timestamp_with_time_zone())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Users::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
    Email,
    FirstName,
    LastName,
    PhoneNumber,
    IsActive,
    IsStaff,
    IsSuperuser,
    EmailVerified,
    Roles,
    Scopes,
    Metadata,
    DateJoined,
    LastLogin,
    UpdatedAt,
    Version,
    DeletedAt,
}
