//! The database: migrations, and one module for each table with its entity and its finders.
//!
//! Finders start from a query that leaves out hidden rows, such as deleted users. A function that gets a transaction
//! uses no other connection, because SQLite has a single writer. The rules of the product are in `engine`.

pub mod audit_events;
pub mod change_head;
pub mod changes;
pub mod clients;
pub mod feed_history;
pub mod imports;
pub mod indexes;
pub mod known_networks;
pub mod leases;
pub mod locks;
pub mod login_events;
pub mod mails;
pub mod months;
pub mod one_time_tokens;
pub mod outbox;
mod purge;
pub mod rate_limits;
pub mod revoked_tokens;
pub mod sessions;
pub mod signing_keys;
pub mod user_credentials;
pub mod user_numbers;
pub mod users;
mod wake;
pub mod webhook_deliveries;
pub mod webhooks;
pub mod window;

use auth_graph_migrations::Migrator;
use database::Migrations;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait, Select, Statement,
};

pub use database::{
    Bounds, Commits, KnownMigrations, begin, check_url, connect, describe_connect_error, has_one_writer, is_conflict,
    is_newer, is_read_only, repeat_on_conflict, without_statement_timeout,
};
pub use wake::Wake;

const MIGRATIONS: Migrations = Migrations { service: "auth-graph", lock: 0x6175_7468_6772_6170, can_undo: true };

/// Returns the row of a query by the key or another unique column.
///
/// It replaces sea-orm's `one`, which adds a `LIMIT` as a parameter. SQLite plans a statement again for each value of
/// the limit, which takes longer than running the statement.
async fn unique<E: EntityTrait>(query: Select<E>, db: &impl ConnectionTrait) -> Result<Option<E::Model>, DbErr> {
    Ok(query.all(db).await?.pop())
}

/// Does work in a transaction, and once more if another transaction was in the way: see [`database::transaction`].
///
/// # Errors
/// When the database or the work fails.
pub async fn transaction<T>(
    db: &DatabaseConnection,
    work: impl AsyncFnOnce(&DatabaseTransaction) -> model::error::Result<T> + Clone,
) -> model::error::Result<T> {
    database::transaction(db, work).await
}

/// Returns the time by the clock of the database server. SQLite has none of its own.
///
/// # Errors
/// When the database cannot be read.
pub async fn clock(db: &DatabaseConnection) -> Result<Option<DateTimeUtc>, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let ask = Statement::from_string(DbBackend::Postgres, "SELECT clock_timestamp()");
    let Some(row) = db.query_one_raw(ask).await? else { return Ok(None) };
    row.try_get_by_index(0).map(Some)
}

/// Runs the pending migrations: see [`Migrations::run`].
///
/// # Errors
/// When a migration fails, or a newer version has run migrations that are unknown here. The database is unchanged then.
pub async fn migrate(db: &DatabaseConnection) -> Result<(), DbErr> {
    MIGRATIONS.run::<Migrator>(db).await
}

/// Reverts the last migrations.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_down(db: &DatabaseConnection, steps: u32) -> Result<(), DbErr> {
    MIGRATIONS.take_back::<Migrator>(db, steps).await
}

/// Returns the migrations of this version: see [`database::known_migrations`].
///
/// # Errors
/// When the database cannot be read.
pub async fn migrations(db: &DatabaseConnection) -> Result<KnownMigrations, DbErr> {
    database::known_migrations::<Migrator>(db).await
}

/// Returns the number of pending migrations: see [`database::pending_migrations`].
///
/// # Errors
/// When the database cannot be read.
pub async fn pending_migrations(db: &DatabaseConnection) -> Result<usize, DbErr> {
    database::pending_migrations::<Migrator>(db).await
}
