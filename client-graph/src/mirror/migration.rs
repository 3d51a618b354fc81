//! Creates the tables of the mirror, on SQLite and PostgreSQL.

use sea_orm::DatabaseConnection;
use sea_orm_migration::prelude::*;

use super::database::database_error;
use super::entity::Column;
use super::lease;
use super::naming::Naming;
use crate::error::Error;

/// Creates the users' table.
struct UsersMigration {
    naming: Naming,
    name: String,
}

/// Creates the tables of the mirror if they do not exist. For services without migrations of their own.
///
/// # Errors
/// `UNAVAILABLE` without a database, `INTERNAL` when a migration fails.
pub async fn migrate(db: &DatabaseConnection) -> Result<(), Error> {
    struct Migrator;

    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            Naming::default().migrations()
        }
    }

    Migrator::up(db, None).await.map_err(database_error)
}

impl Naming {
    /// Returns the migrations of a mirror with these names. Put them first into the `migrations()` of the service's
    /// `Migrator`, so that other tables can refer to the mirror.
    #[must_use]
    pub fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let users = format!("client_graph_0001_{}", self.table);
        let feed = match *self == Self::default() {
            true => "client_graph_0002_mirror_feed".to_owned(),
            false => format!("client_graph_0002_mirror_feed_{}", self.table),
        };
        vec![
            Box::new(UsersMigration { naming: self.clone(), name: users }),
            Box::new(FeedMigration { table: self.table.clone(), name: feed }),
        ]
    }
}

impl MigrationName for UsersMigration {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for UsersMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let naming = &self.naming;
        let column = |column| ColumnDef::new(naming.column(column));
        let table = Table::create()
            .table(naming.table_name())
            .col(column(Column::Id).uuid().not_null().primary_key())
            // Not unique: an address can pass to another user, and the two changes may arrive in any order.
            .col(column(Column::Email).text().not_null())
            .col(column(Column::FirstName).text().not_null())
            .col(column(Column::LastName).text().not_null())
            .col(column(Column::PhoneNumber).text())
            .col(column(Column::IsActive).boolean().not_null())
            .col(column(Column::IsStaff).boolean().not_null())
            .col(column(Column::IsSuperuser).boolean().not_null())
            .col(column(Column::EmailVerified).boolean().not_null())
            .col(column(Column::Roles).json_binary().not_null())
            .col(column(Column::Scopes).json_binary().not_null())
            .col(column(Column::Metadata).json_binary().not_null())
            .col(column(Column::DateJoined).timestamp_with_time_zone().not_null())
            .col(column(Column::UpdatedAt).timestamp_with_time_zone().not_null())
            .col(column(Column::Version).big_integer().not_null())
            .col(column(Column::DeletedAt).timestamp_with_time_zone())
            .col(column(Column::MirroredAt).timestamp_with_time_zone().not_null())
            .to_owned();
        manager.create_table(table).await?;
        let by_email = Index::create()
            .name(format!("{}_email", naming.table))
            .table(naming.table_name())
            .col(naming.column(Column::Email))
            .to_owned();
        manager.create_index(by_email).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(self.naming.table_name()).to_owned()).await
    }
}

/// Creates the table `mirror_feed`, which all mirrors of a database share. The first mirror creates it. It remains when
/// a mirror is removed, which deletes only its own row.
struct FeedMigration {
    table: String,
    name: String,
}

impl MigrationName for FeedMigration {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for FeedMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(MirrorFeed::Table)
            .if_not_exists()
            .col(ColumnDef::new(MirrorFeed::Name).text().not_null().primary_key())
            .col(ColumnDef::new(MirrorFeed::Holder).text().not_null())
            .col(ColumnDef::new(MirrorFeed::HeldUntil).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(MirrorFeed::Cursor).text())
            .col(ColumnDef::new(MirrorFeed::Snapshot).text())
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        lease::forget(manager.get_connection(), &self.table).await
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
