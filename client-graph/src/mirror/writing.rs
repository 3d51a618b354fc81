//! How rows are written: many at once, in one transaction with whatever depends on them.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, ExprTrait,
    IntoActiveModel, QueryFilter, QuerySelect, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use uuid::Uuid;

use super::entity::{self, ActiveModel, Column, Entity, Model};
use super::hook::{Hook, MirrorChange};
use super::place::{self, Lease, Place};
use super::{Mirror, MirroredUser, database_error};
use crate::error::Error;
use crate::ids::UserId;

/// Rows of one statement: databases limit its parameters.
const CHUNK: usize = 500;

impl Mirror {
    /// Writes rows that are newer than what is there.
    pub(super) async fn write(&self, rows: Vec<Model>) -> Result<(), Error> {
        let txn = begin(&self.db).await.map_err(database_error)?;
        self.write_in(&txn, rows).await?;
        txn.commit().await.map_err(database_error)
    }

    /// Writes rows, and with them how far the feed was followed. False, and nothing is written, when another replica
    /// holds the lease.
    pub(crate) async fn write_and_advance(
        &self,
        rows: Vec<Model>,
        lease: Lease<'_>,
        place: &Place,
    ) -> Result<bool, Error> {
        let txn = begin(&self.db).await.map_err(database_error)?;
        if !place::advance(&txn, lease, place).await.map_err(database_error)? {
            txn.rollback().await.map_err(database_error)?;
            return Ok(false);
        }
        self.write_in(&txn, rows).await?;
        txn.commit().await.map_err(database_error)?;
        Ok(true)
    }

    pub(crate) async fn take_lease(&self, lease: Lease<'_>) -> Result<Option<Place>, Error> {
        place::take(&self.db, lease).await.map_err(database_error)
    }

    pub(crate) async fn give_back(&self, holder: &str) -> Result<(), Error> {
        place::give_back(&self.db, holder, self.clock.now()).await.map_err(database_error)
    }

    async fn write_in(&self, txn: &DatabaseTransaction, rows: Vec<Model>) -> Result<(), Error> {
        // One statement can not change a row twice, and of two descriptions the older one says nothing. In the order of
        // the ids, so that parallel writers do not wait for each other in a circle.
        let mut newest: HashMap<Uuid, Model> = HashMap::new();
        for row in rows {
            let known = newest.get(&row.id);
            if known.is_none_or(|known| known.version < row.version) {
                newest.insert(row.id, row);
            }
        }
        let mut rows: Vec<Model> = newest.into_values().collect();
        rows.sort_by_key(|row| row.id);
        for chunk in rows.chunks(CHUNK) {
            match &self.hook {
                None => drop(upsert(txn, chunk).await.map_err(database_error)?),
                Some(hook) => write_with_hook(txn, chunk, hook).await?,
            }
        }
        Ok(())
    }
}

async fn write_with_hook(txn: &DatabaseTransaction, rows: &[Model], hook: &Hook) -> Result<(), Error> {
    let ids = rows.iter().map(|row| row.id);
    let known = Entity::find().filter(Column::Id.is_in(ids)).lock_exclusive().all(txn).await.map_err(database_error)?;
    let mut known: HashMap<Uuid, Model> = known.into_iter().map(|row| (row.id, row)).collect();
    let written = upsert(txn, rows).await.map_err(database_error)?;
    for row in rows.iter().filter(|row| written.contains(&row.id)) {
        let before = known.remove(&row.id).and_then(present).transpose()?;
        let after = present(row.clone()).transpose()?;
        hook(&MirrorChange { id: UserId(row.id), before, after }, txn).await?;
    }
    Ok(())
}

/// Deleted users are not there.
fn present(row: Model) -> Option<Result<MirroredUser, Error>> {
    row.deleted_at.is_none().then(|| MirroredUser::try_from(row))
}

/// One statement, so that of parallel writers one makes a row and the others find it. Tells which rows it wrote.
async fn upsert(txn: &DatabaseTransaction, rows: &[Model]) -> Result<Vec<Uuid>, DbErr> {
    let newer = Expr::col(("excluded", Column::Version)).gt(Expr::col((Entity, Column::Version)));
    let on_conflict =
        OnConflict::column(Column::Id).update_columns(entity::CHANGING).action_and_where(newer).to_owned();
    let rows = rows.iter().map(|row| row.clone().into_active_model().reset_all());
    let written = Entity::insert_many::<ActiveModel, _>(rows).on_conflict(on_conflict);
    written.exec_with_returning_keys(txn).await
}

/// Begins a transaction that writes. On SQLite it takes the write lock at once: one that reads first and writes later
/// fails when another wrote in between.
async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options =
        TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    db.begin_with_options(options).await
}
