//! A mirror in the service's database: rows are written many at once, in one transaction with whatever depends on them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use database::{begin, is_unavailable};
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr};
use uuid::Uuid;

use super::deletion::Deletion;
use super::entity::Model;
use super::hook::{Hook, MirrorChange, unfollowed};
use super::lease;
use super::naming::{Naming, Over, Written};
use super::place::{Batch, Lease, Place};
use super::row::{Row, newest};
use super::{MirroredUser, UserId};
use crate::error::Error;

/// Rows of one statement: databases limit its parameters.
const CHUNK: usize = 500;

/// The table, and what belongs to it.
#[derive(Clone)]
pub(super) struct Database {
    pub(super) db: DatabaseConnection,
    pub(super) naming: Naming,
    pub(super) hook: Option<Hook>,
}

impl Database {
    pub(super) async fn user(&self, id: UserId) -> Result<Option<MirroredUser>, Error> {
        let row = self.naming.find(&self.db, id.0).await.map_err(database_error)?;
        Ok(row.map(Row::try_from).transpose()?.and_then(Row::present))
    }

    /// Writes rows that are newer than what is there.
    pub(super) async fn write(&self, batch: Batch, deletion: Deletion) -> Result<(), Error> {
        let txn = begin(&self.db).await.map_err(database_error)?;
        self.write_in(&txn, batch, deletion).await?;
        txn.commit().await.map_err(database_error)
    }

    /// Writes rows, and with them how far the feed was followed. False, and nothing is written, when another replica
    /// holds the lease.
    pub(super) async fn write_and_advance(
        &self,
        batch: Batch,
        lease: Lease<'_>,
        place: &Place,
        deletion: Deletion,
    ) -> Result<bool, Error> {
        let txn = begin(&self.db).await.map_err(database_error)?;
        if !lease::advance(&txn, &self.naming.table, lease, place).await.map_err(database_error)? {
            txn.rollback().await.map_err(database_error)?;
            return Ok(false);
        }
        self.write_in(&txn, batch, deletion).await?;
        txn.commit().await.map_err(database_error)?;
        Ok(true)
    }

    pub(super) async fn take_lease(&self, lease: Lease<'_>) -> Result<Option<Place>, Error> {
        lease::take(&self.db, &self.naming.table, lease).await.map_err(database_error)
    }

    pub(super) async fn give_back(&self, holder: &str, now: DateTime<Utc>) -> Result<(), Error> {
        lease::give_back(&self.db, &self.naming.table, holder, now).await.map_err(database_error)
    }

    async fn write_in(&self, txn: &DatabaseTransaction, batch: Batch, deletion: Deletion) -> Result<(), Error> {
        let rows = newest(batch.rows);
        if let Some(stretch) = batch.complete {
            let there = rows.iter().map(Row::id);
            let missing = self.naming.find_missing(txn, &stretch, there).await.map_err(database_error)?;
            let missing: Vec<Row> = missing.into_iter().map(Row::try_from).collect::<Result<_, _>>()?;
            let gone: Vec<Row> = missing.iter().map(|row| row.of_missing(stretch.since)).collect();
            self.write_rows(txn, &gone, Over::Any, deletion).await?;
        }
        self.write_rows(txn, &rows, Over::Older, deletion).await
    }

    async fn write_rows(
        &self,
        txn: &DatabaseTransaction,
        rows: &[Row],
        over: Over,
        deletion: Deletion,
    ) -> Result<(), Error> {
        for chunk in rows.chunks(CHUNK) {
            let mut known = HashMap::new();
            if self.hook.is_some() {
                let ids = chunk.iter().map(Row::id);
                let rows = self.naming.find_locked(txn, ids).await.map_err(database_error)?;
                known.extend(rows.into_iter().map(|row| (row.id, row)));
            }
            let written = self.upsert(txn, chunk, over, deletion).await.map_err(database_error)?;
            if let Some(hook) = &self.hook {
                for row in chunk.iter().filter(|row| written.contains(&row.id())) {
                    let before = known.remove(&row.id()).map(Row::try_from).transpose()?.and_then(Row::present);
                    let change = MirrorChange { id: row.user.id, before, after: row.clone().present() };
                    hook(&change, txn).await.map_err(|error| unfollowed(row.user.id, error))?;
                }
            }
        }
        Ok(())
    }

    /// Tells which rows it wrote.
    async fn upsert(
        &self,
        txn: &DatabaseTransaction,
        rows: &[Row],
        over: Over,
        deletion: Deletion,
    ) -> Result<Vec<Uuid>, DbErr> {
        let (gone, there): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.deleted_at.is_some());
        let there: Vec<Model> = there.into_iter().map(Model::from).collect();
        let mut gone: Vec<Model> = gone.into_iter().map(Model::from).collect();
        let columns = if deletion == Deletion::Tombstone { Written::TheDeletion } else { Written::Everything };
        let mut written = self.naming.upsert(txn, &there, Written::Everything, over).await?;
        let buried = self.naming.upsert(txn, &gone, columns, over).await?;
        if deletion == Deletion::Cascade && !buried.is_empty() {
            gone.retain(|row| buried.contains(&row.id));
            self.naming.replace(txn, &gone).await?;
        }
        written.extend(buried);
        Ok(written)
    }
}

/// Returns the error for callers. A database that is unreachable, locked or full is unavailable; any other failure is
/// internal.
pub(crate) fn database_error(error: DbErr) -> Error {
    match is_unavailable(&error) {
        true => Error::unavailable(error),
        false => Error::internal(error),
    }
}
