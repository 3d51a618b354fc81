//! What both services ask of a database before they serve: where the embedded one is, and which migrations have run.

use std::io;
use std::path::Path;

use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::SqlitePoolOptions;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, EntityTrait};
use sea_orm_migration::{MigratorTrait, SchemaManager, seaql_migrations};
use secrecy::SecretString;

use settings::make_private_folder;

/// The URL of an SQLite file, whose folder is made when it is not there.
///
/// # Errors
/// When the folder can not be made.
pub fn sqlite_url(file: &Path) -> io::Result<SecretString> {
    if let Some(folder) = file.parent() {
        make_private_folder(folder)?;
    }
    // The name of a folder can hold characters that end the path of a URL.
    let path = std::path::absolute(file)?.display().to_string();
    Ok(format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")).into())
}

/// A pool that keeps no connection within a transaction.
///
/// When a write fails as the disk is full, SQLite takes the transaction back by itself. sqlx 0.9.0 goes on to count it:
/// the next transactions of the connection are savepoints, which nobody commits. They lock out all others, and what was
/// answered for them is lost with the process.
#[must_use]
pub fn without_open_transactions(pool: SqlitePoolOptions) -> SqlitePoolOptions {
    pool.after_release(|connection, _| {
        Box::pin(async move {
            if connection.is_in_transaction() {
                // A transaction that was dropped is taken back before this is answered.
                connection.ping().await?;
            }
            Ok(!connection.is_in_transaction())
        })
    })
}

/// How many migrations are still to be run. Those of a newer version do not count: it is started while this one serves.
///
/// # Errors
/// When the database can not be read.
pub async fn pending_migrations<M: MigratorTrait>(db: &DatabaseConnection) -> Result<usize, DbErr> {
    // Probes ask this again and again, so it must not try to make the table, as the migrator does when it looks.
    let run = match SchemaManager::new(db).has_table("seaql_migrations").await? {
        true => seaql_migrations::Entity::find().all(db).await?,
        false => Vec::new(),
    };
    let is_run = |name: &str| run.iter().any(|run| run.version == name);
    Ok(M::migrations().iter().filter(|migration| !is_run(migration.name())).count())
}

/// The name of a migration that a newer version has run, if one has been at this database.
///
/// # Errors
/// When the database can not be read.
pub async fn unknown_migration<M: MigratorTrait>(db: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
    let known = M::migrations();
    let run = M::get_migration_models(db).await?;
    Ok(run.into_iter().map(|run| run.version).find(|name| known.iter().all(|migration| migration.name() != name)))
}
