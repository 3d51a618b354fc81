//! Migrations. One replica at a time runs them, in one transaction, unless a newer version has migrated the database.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait, Statement};
use sea_orm_migration::{MigratorTrait, SchemaManager, seaql_migrations};

use crate::begin;

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

/// Beginning of the message about migrations that are unknown here.
const NEWER: &str = "a newer version of ";

impl Migrations {
    /// Runs the pending migrations in one transaction. If several replicas start at once, one of them runs the
    /// migrations and the others wait.
    ///
    /// # Errors
    /// When a migration fails, or a newer version has run migrations that are unknown here. The database is unchanged
    /// then.
    pub async fn run<M: MigratorTrait>(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
        let txn = self.begin::<M>(db).await?;
        M::up(&txn, None).await?;
        txn.commit().await
    }

    /// Reverts the last migrations.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn take_back<M: MigratorTrait>(&self, db: &DatabaseConnection, steps: u32) -> Result<(), DbErr> {
        let txn = self.begin::<M>(db).await?;
        M::down(&txn, Some(steps)).await?;
        txn.commit().await
    }

    async fn begin<M: MigratorTrait>(&self, db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
        // On SQLite this takes the lock of the single writer, which is the only lock.
        let txn = begin(db).await?;
        if txn.get_database_backend() == DbBackend::Postgres {
            // A replica waits here for another one that migrates, and a migration takes as long as it takes.
            txn.execute_unprepared("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await?;
            let lock = format!("SELECT pg_advisory_xact_lock({})", self.lock);
            txn.execute_raw(Statement::from_string(DbBackend::Postgres, lock)).await?;
        }
        self.refuse_newer::<M>(&txn).await?;
        Ok(txn)
    }

    async fn refuse_newer<M: MigratorTrait>(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        let Some(newer) = unknown_migration::<M>(db).await? else { return Ok(()) };
        let service = self.service;
        let mut message =
            format!("{NEWER}{service} has migrated this database ({newer} is not known here): start that one");
        if self.can_undo {
            message += ", or take its migrations back with it";
        }
        Err(DbErr::Migration(message))
    }
}

/// Returns whether [`Migrations::run`] or [`Migrations::take_back`] failed because a newer version has migrated the
/// database.
#[must_use]
pub fn is_newer(error: &DbErr) -> bool {
    matches!(error, DbErr::Migration(message) if message.starts_with(NEWER))
}

/// Returns the number of migrations that are still to be run. Those of a newer version do not count: it is started
/// while this one serves.
///
/// # Errors
/// When the database cannot be read.
pub async fn pending_migrations<M: MigratorTrait>(db: &DatabaseConnection) -> Result<usize, DbErr> {
    // Probes call this often, so that it must not create the table, as the migrator would.
    let run = match SchemaManager::new(db).has_table("seaql_migrations").await? {
        true => seaql_migrations::Entity::find().all(db).await?,
        false => Vec::new(),
    };
    let is_run = |name: &str| run.iter().any(|run| run.version == name);
    Ok(M::migrations().iter().filter(|migration| !is_run(migration.name())).count())
}

/// Returns the name of a migration that a newer version has run, if there is one.
async fn unknown_migration<M: MigratorTrait>(db: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
    let known = M::migrations();
    let run = M::get_migration_models(db).await?;
    Ok(run.into_iter().map(|run| run.version).find(|name| known.iter().all(|migration| migration.name() != name)))
}
