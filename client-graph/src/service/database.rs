//! The service's own database: opening it, and its migrations.

use std::error::Error;

use database::{Bounds, Commits, Migrations, describe_connect_error};
use sea_orm::{DatabaseConnection, DbErr};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use secrecy::ExposeSecret;

use super::config::Config;
use super::notes;
use crate::mirror;

const MIGRATIONS: Migrations = Migrations { service: "client-graph", lock: 0x636c_6965_6e74_6772, can_undo: false };

/// The migrations of this service, oldest first. The table of the mirror comes before tables that refer to it.
pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = mirror::migrations();
        migrations.push(Box::new(notes::Migration));
        migrations
    }
}

/// Opens the database.
pub(super) async fn connect(config: &Config) -> Result<DatabaseConnection, Box<dyn Error + Send + Sync>> {
    let url = config.database_url()?;
    let settings = &config.database;
    let bounds = Bounds {
        statement: settings.statement_timeout,
        lock: settings.lock_timeout,
        idle_in_transaction: settings.idle_in_transaction_timeout,
    };
    let db = database::connect(&url, settings.max_connections, Commits::Relaxed, bounds).await;
    // The message names the database without its URL, which may contain a password.
    let place = match config.database.url.expose_secret() {
        "" => config.database_file().display().to_string(),
        _ => "database.url".to_owned(),
    };
    db.map_err(|error| format!("{place}: {}", describe_connect_error(&error)).into())
}

/// Runs the pending migrations: see [`Migrations::run`].
pub(super) async fn migrate(db: &DatabaseConnection) -> Result<(), DbErr> {
    MIGRATIONS.run::<Migrator>(db).await
}

/// Returns the number of migrations that are still to be run: see [`database::pending_migrations`].
pub(super) async fn pending_migrations(db: &DatabaseConnection) -> Result<usize, DbErr> {
    database::pending_migrations::<Migrator>(db).await
}
