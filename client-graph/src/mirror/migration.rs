//! Makes the table `mirrored_users`, on SQLite and PostgreSQL.

use sea_orm_migration::prelude::*;

/// Put it first into the `migrations()` of a service's own `Migrator`, so that further tables can refer to the mirror.
#[derive(Clone, Copy, Debug)]
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "client_graph_0001_mirrored_users"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(MirroredUsers::Table)
            .col(ColumnDef::new(MirroredUsers::Id).uuid().not_null().primary_key())
            // Not unique: an address can pass to another user, and we may hear of it in any order.
            .col(ColumnDef::new(MirroredUsers::Email).text().not_null())
            .col(ColumnDef::new(MirroredUsers::FirstName).text().not_null())
            .col(ColumnDef::new(MirroredUsers::LastName).text().not_null())
            .col(ColumnDef::new(MirroredUsers::PhoneNumber).text())
            .col(ColumnDef::new(MirroredUsers::IsActive).boolean().not_null())
            .col(ColumnDef::new(MirroredUsers::IsStaff).boolean().not_null())
            .col(ColumnDef::new(MirroredUsers::IsSuperuser).boolean().not_null())
            .col(ColumnDef::new(MirroredUsers::EmailVerified).boolean().not_null())
            .col(ColumnDef::new(MirroredUsers::Roles).json_binary().not_null())
            .col(ColumnDef::new(MirroredUsers::Scopes).json_binary().not_null())
            .col(ColumnDef::new(MirroredUsers::Metadata).json_binary().not_null())
            .col(ColumnDef::new(MirroredUsers::DateJoined).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(MirroredUsers::UpdatedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(MirroredUsers::Version).big_integer().not_null())
            .col(ColumnDef::new(MirroredUsers::DeletedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(MirroredUsers::MirroredAt).timestamp_with_time_zone().not_null())
            .to_owned();
        manager.create_table(table).await?;
        let by_email = Index::create()
            .name("mirrored_users_email")
            .table(MirroredUsers::Table)
            .col(MirroredUsers::Email)
            .to_owned();
        manager.create_index(by_email).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(MirroredUsers::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum MirroredUsers {
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
    UpdatedAt,
    Version,
    DeletedAt,
    MirroredAt,
}

/// Makes the table `mirror_feed`, which a mirror that follows the feed needs.
#[derive(Clone, Copy, Debug)]
pub struct FeedMigration;

impl MigrationName for FeedMigration {
    fn name(&self) -> &str {
        "client_graph_0002_mirror_feed"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for FeedMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(MirrorFeed::Table)
            .col(ColumnDef::new(MirrorFeed::Name).text().not_null().primary_key())
            .col(ColumnDef::new(MirrorFeed::Holder).text().not_null())
            .col(ColumnDef::new(MirrorFeed::HeldUntil).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(MirrorFeed::Cursor).text())
            .col(ColumnDef::new(MirrorFeed::Snapshot).text())
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(MirrorFeed::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum MirrorFeed {
    Table,
    Name,
    Holder,
    HeldUntil,
    Cursor,
    Snapshot,
}
