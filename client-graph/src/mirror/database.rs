//! A mirror in the service's database. Many rows are written at once, in one transaction with what depends on them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use database::{begin, is_unavailable, repeat_on_conflict};
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr};
use uuid::Uuid;

use super::deletion::Deletion;
use super::entity::Model;
use super::hook::{Hook, MirrorChange, hook_failed};
use super::lease;
use super::naming::{Columns, Naming, Overwrite};
use super::progress::{Batch, FeedProgress, IdRange, Lease};
use super::row::{Row, newest};
use super::user::MirroredUser;
use crate::error::Error;
use crate::ids::UserId;

/// Rows of one statement: databases limit the number of its parameters.
const CHUNK: usize = 500;
/// Identifiers of one query. Each is one parameter, while a written row is many.
const READ_AT_ONCE: usize = 10_000;

/// The table of a mirror, and the hook on its changes.
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

    pub(super) async fn users(&self, ids: &[UserId]) -> Result<HashMap<UserId, MirroredUser>, Error> {
        let mut users = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(READ_AT_ONCE) {
            let rows = self.naming.find_among(&self.db, chunk.iter().map(|id| id.0)).await.map_err(database_error)?;
            for row in rows {
                users.extend(Row::try_from(row)?.present().map(|user| (user.id, user)));
            }
        }
        Ok(users)
    }

    /// Writes those rows that are newer than the stored ones.
    pub(super) async fn write(&self, batch: Batch, deletion: Deletion) -> Result<(), Error> {
        let batch = Batch { rows: newest(batch.rows), ..batch };
        repeat_on_conflict(async || {
            let txn = begin(&self.db).await.map_err(database_error)?;
            self.write_in(&txn, &batch, deletion).await?;
            txn.commit().await.map_err(database_error)
        })
        .await
    }

    /// Writes rows, and the progress with them. Returns false, and writes nothing, when another replica holds the
    /// lease.
    pub(super) async fn write_and_advance(
        &self,
        batch: Batch,
        lease: Lease<'_>,
        progress: &FeedProgress,
        deletion: Deletion,
    ) -> Result<bool, Error> {
        let batch = Batch { rows: newest(batch.rows), ..batch };
        repeat_on_conflict(async || {
            let txn = begin(&self.db).await.map_err(database_error)?;
            if !lease::advance(&txn, &self.naming.table, lease, progress).await.map_err(database_error)? {
                txn.rollback().await.map_err(database_error)?;
                return Ok(false);
            }
            self.write_in(&txn, &batch, deletion).await?;
            txn.commit().await.map_err(database_error)?;
            Ok(true)
        })
        .await
    }

    /// Returns the users in a range who are not among those present, and whose rows may be newer than these.
    pub(super) async fn unsettled(
        &self,
        range: &IdRange,
        present: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<Uuid>, Error> {
        let found = self.naming.find_unsettled(&self.db, range, present).await.map_err(database_error)?;
        Ok(found.into_iter().map(|row| row.id).collect())
    }

    pub(super) async fn take_lease(&self, lease: Lease<'_>) -> Result<Option<FeedProgress>, Error> {
        lease::take(&self.db, &self.naming.table, lease).await.map_err(database_error)
    }

    pub(super) async fn release_lease(&self, holder: &str, now: DateTime<Utc>) -> Result<(), Error> {
        lease::release(&self.db, &self.naming.table, holder, now).await.map_err(database_error)
    }

    async fn write_in(&self, txn: &DatabaseTransaction, batch: &Batch, deletion: Deletion) -> Result<(), Error> {
        if let Some(range) = &batch.complete {
            let present = batch.rows.iter().map(Row::id);
            let missing = self.naming.find_missing(txn, range, &batch.gone, present).await.map_err(database_error)?;
            let missing: Vec<Row> = missing.into_iter().map(Row::try_from).collect::<Result<_, _>>()?;
            let deleted: Vec<Row> = missing.iter().map(|row| row.of_missing(range.since)).collect();
            self.write_rows(txn, &deleted, Overwrite::Always, deletion).await?;
        }
        self.write_rows(txn, &batch.rows, Overwrite::OlderVersion, deletion).await
    }

    async fn write_rows(
        &self,
        txn: &DatabaseTransaction,
        rows: &[Row],
        overwrite: Overwrite,
        deletion: Deletion,
    ) -> Result<(), Error> {
        for chunk in rows.chunks(CHUNK) {
            let mut known = HashMap::new();
            if self.hook.is_some() {
                let ids = chunk.iter().map(Row::id);
                let rows = self.naming.find_locked(txn, ids).await.map_err(database_error)?;
                known.extend(rows.into_iter().map(|row| (row.id, row)));
            }
            let written = self.upsert(txn, chunk, overwrite, deletion).await.map_err(database_error)?;
            if let Some(hook) = &self.hook {
                for row in chunk.iter().filter(|row| written.contains(&row.id())) {
                    let before = known.remove(&row.id()).map(Row::try_from).transpose()?.and_then(Row::present);
                    let change = MirrorChange { id: row.user.id, before, after: row.clone().present() };
                    hook(&change, txn).await.map_err(|error| hook_failed(row.user.id, error))?;
                }
            }
        }
        Ok(())
    }

    /// Writes rows, and returns the ids of those that changed.
    async fn upsert(
        &self,
        txn: &DatabaseTransaction,
        rows: &[Row],
        overwrite: Overwrite,
        deletion: Deletion,
    ) -> Result<Vec<Uuid>, DbErr> {
        let (deleted, present): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.deleted_at.is_some());
        let present: Vec<Model> = present.into_iter().map(Model::from).collect();
        let mut deleted: Vec<Model> = deleted.into_iter().map(Model::from).collect();
        let columns = if deletion == Deletion::Tombstone { Columns::Deletion } else { Columns::All };
        let mut written = self.naming.upsert(txn, &present, Columns::All, overwrite).await?;
        let deleted_ids = self.naming.upsert(txn, &deleted, columns, overwrite).await?;
        if deletion == Deletion::Cascade && !deleted_ids.is_empty() {
            deleted.retain(|row| deleted_ids.contains(&row.id));
            self.naming.replace(txn, &deleted).await?;
        }
        written.extend(deleted_ids);
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
