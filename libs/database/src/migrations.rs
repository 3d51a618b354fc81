//! Migrations. One replica at a time runs them, in one transaction.
//!
//! Older versions serve while a newer one migrates, and may be started again after that. A migration therefore
//! *expands* the database: it adds what older versions do not notice. One that removes or changes what they use
//! *contracts* it, and its name ends with `_contract`: versions that do not know it refuse to start.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait, Statement};
use sea_orm_migration::{MigratorTrait, SchemaManager, seaql_migrations};

use crate::failure::is_lock_timeout;
use crate::{begin, without_statement_timeout};

/// Settings of a service's migrations.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// Name of the service, for messages.
    pub service: &'static str,
    /// Key of the advisory lock on PostgreSQL; a number that no other program uses.
    pub lock: i64,
    /// Whether operators of the service can take migrations back, for messages.
    pub can_undo: bool,
}

/// End of the name of a migration that older versions cannot serve beside.
const CONTRACT: &str = "_contract";

/// Longest wait of a migration for a lock of a table. Everything that uses the table waits behind it.
const LOCK_TIMEOUT: &str = "2s";

/// Number of times that a migration is tried when a table is in use, for example by a backup.
const ATTEMPTS: usize = 100;

/// Pause between two attempts, in which the requests that waited are served.
const PAUSE: Duration = Duration::from_secs(1);

/// Beginning of the message about migrations that are unknown here.
const NEWER: &str = "a newer version of ";

impl Migrations {
    /// Runs the pending migrations in one transaction. If several replicas start at once, one of them runs the
    /// migrations and the others wait. A table that is in use is tried again for some minutes.
    ///
    /// # Errors
    /// When a migration fails, or a newer version has contracted the database. The database is unchanged then.
    pub async fn run<M: MigratorTrait>(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
        let mut attempts = 0;
        while let Err(error) = self.try_run::<M>(db).await {
            give_way(error, &mut attempts).await?;
        }
        Ok(())
    }

    async fn try_run<M: MigratorTrait>(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
        let txn = self.begin(db).await?;
        let run = migrations_run::<M>(&txn).await?;
        let is_current = M::migrations().iter().all(|migration| run.iter().any(|name| name == migration.name()));
        // The migrator fails when there is one that it does not know, even if it has nothing to do.
        match unknown::<M>(run).into_iter().find(|name| !is_current || name.ends_with(CONTRACT)) {
            Some(newer) => return Err(self.newer(&newer)),
            None if is_current => {}
            None => M::up(&txn, None).await?,
        }
        txn.commit().await
    }

    /// Reverts the last migrations.
    ///
    /// # Errors
    /// When a migration fails, or a newer version has run one that is unknown here. The database is unchanged then.
    pub async fn take_back<M: MigratorTrait>(&self, db: &DatabaseConnection, steps: u32) -> Result<(), DbErr> {
        let mut attempts = 0;
        while let Err(error) = self.try_take_back::<M>(db, steps).await {
            give_way(error, &mut attempts).await?;
        }
        Ok(())
    }

    async fn try_take_back<M: MigratorTrait>(&self, db: &DatabaseConnection, steps: u32) -> Result<(), DbErr> {
        let txn = self.begin(db).await?;
        if let Some(newer) = unknown::<M>(migrations_run::<M>(&txn).await?).first() {
            return Err(self.newer(newer));
        }
        M::down(&txn, Some(steps)).await?;
        txn.commit().await
    }

    async fn begin(&self, db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
        // On SQLite this takes the lock of the single writer, which is the only lock.
        let txn = begin(db).await?;
        without_statement_timeout(&txn).await?;
        if txn.get_database_backend() == DbBackend::Postgres {
            // A replica waits here for another one that migrates.
            txn.execute_unprepared("SET LOCAL lock_timeout = 0").await?;
            let lock = format!("SELECT pg_advisory_xact_lock({})", self.lock);
            txn.execute_raw(Statement::from_string(DbBackend::Postgres, lock)).await?;
            txn.execute_unprepared(&format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")).await?;
        }
        Ok(txn)
    }

    /// Returns the error about a migration of a newer version.
    fn newer(&self, newer: &str) -> DbErr {
        let service = self.service;
        let mut message =
            format!("{NEWER}{service} has migrated this database ({newer} is not known here): start that one");
        if self.can_undo {
            message += ", or take its migrations back with it";
        }
        DbErr::Migration(message)
    }
}

/// Waits before the next attempt if a migration failed because a table is in use.
///
/// # Errors
/// The error, if it is another one, or there were too many attempts.
async fn give_way(error: DbErr, attempts: &mut usize) -> Result<(), DbErr> {
    *attempts += 1;
    if *attempts >= ATTEMPTS || !is_lock_timeout(&error) {
        return Err(error);
    }
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

/// Returns whether [`Migrations::run`] or [`Migrations::take_back`] failed because a newer version has migrated the
/// database.
#[must_use]
pub fn is_newer(error: &DbErr) -> bool {
    matches!(error, DbErr::Migration(message) if message.starts_with(NEWER))
}

/// Names of the migrations that this version knows, the earliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMigrations {
    /// Those that were run.
    pub run: Vec<String>,
    /// Those that are still to be run.
    pub pending: Vec<String>,
}

/// Returns the migrations of this version. Those of a newer version do not count: it is started while this one serves.
///
/// # Errors
/// When the database cannot be read.
pub async fn known_migrations<M: MigratorTrait>(db: &DatabaseConnection) -> Result<KnownMigrations, DbErr> {
    // Probes call this often, so that it must not create the table, as the migrator would.
    let run = match SchemaManager::new(db).has_table("seaql_migrations").await? {
        true => seaql_migrations::Entity::find().all(db).await?,
        false => Vec::new(),
    };
    let is_run = |name: &String| run.iter().any(|run| run.version == *name);
    let names = M::migrations().iter().map(|migration| migration.name().to_owned()).collect::<Vec<_>>();
    let (run, pending) = names.into_iter().partition(is_run);
    Ok(KnownMigrations { run, pending })
}

/// Returns the number of migrations that are still to be run: see [`known_migrations`].
///
/// # Errors
/// When the database cannot be read.
pub async fn pending_migrations<M: MigratorTrait>(db: &DatabaseConnection) -> Result<usize, DbErr> {
    Ok(known_migrations::<M>(db).await?.pending.len())
}

/// Returns the names of the migrations that were run.
async fn migrations_run<M: MigratorTrait>(db: &DatabaseTransaction) -> Result<Vec<String>, DbErr> {
    Ok(M::get_migration_models(db).await?.into_iter().map(|run| run.version).collect())
}

/// Returns those migrations that only a newer version knows.
fn unknown<M: MigratorTrait>(mut run: Vec<String>) -> Vec<String> {
    let known = M::migrations();
    run.retain(|name| known.iter().all(|migration| migration.name() != name));
    run
}
