//! Writing what comes in, batch by batch: each is one transaction, in which the position in the source moves on too. So
//! an import that was interrupted goes on where it stopped, and repeats nothing.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, SqlErr};

use super::row::{Prepared, UnusableHash, prepare};
use super::{Record, Refused};
use crate::app::App;
use crate::error::{Error, Result};
use crate::store::{self, changes, imports, user_numbers, users};
use crate::values::{Email, UserId};

/// One row of the source.
#[derive(Clone)]
pub struct Row {
    /// Where it stands, for the report: a line or an identifier.
    pub place: String,
    /// What it says.
    pub record: Result<Record, Refused>,
}

/// Some rows of the source.
#[derive(Clone)]
pub struct Batch {
    /// The rows: so many at most that they fit one statement, about a thousand.
    pub rows: Vec<Row>,
    /// Where the source goes on behind them.
    pub position: String,
}

/// Whether anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Yes.
    Commit,
    /// No: it is only looked what would be refused.
    DryRun,
}

/// An import that goes on.
#[derive(Debug)]
pub struct Import {
    state: imports::Model,
    writing: Writing,
    unusable: UnusableHash,
}

impl Import {
    /// Begins, or goes on with, the import from a source of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(app: &App, name: &str, writing: Writing, unusable: UnusableHash) -> Result<Self> {
        let found = imports::find(&app.db, name).await?;
        let state = found.unwrap_or_else(|| imports::Model {
            name: name.to_owned(),
            position: String::new(),
            imported: 0,
            refused: 0,
            updated_at: app.clock.now(),
        });
        Ok(Self { state, writing, unusable })
    }

    /// Where the source goes on; empty at its beginning.
    #[must_use]
    pub fn position(&self) -> &str {
        &self.state.position
    }

    /// How many users were made, in this run and those before it.
    #[must_use]
    pub fn imported(&self) -> i64 {
        self.state.imported
    }

    /// How many rows were refused, in this run and those before it.
    #[must_use]
    pub fn refused(&self) -> i64 {
        self.state.refused
    }

    /// Writes a batch. The answer tells which rows were refused.
    ///
    /// # Errors
    /// When the database fails; nothing of the batch is written then.
    pub async fn write(&mut self, app: &App, batch: Batch) -> Result<Vec<(String, Refused)>> {
        let mut again = batch.clone();
        loop {
            match self.try_write(app, again).await {
                // Somebody has signed up with one of the addresses in this moment; they are seen next time.
                Err(Attempt::Raced) => again = batch.clone(),
                Err(Attempt::Failed(error)) => return Err(error),
                Ok(refused) => return Ok(refused),
            }
        }
    }

    async fn try_write(&mut self, app: &App, batch: Batch) -> Result<Vec<(String, Refused)>, Attempt> {
        let now = app.clock.now();
        let mut refused = Vec::new();
        let mut prepared = Vec::with_capacity(batch.rows.len());
        for Row { place, record } in batch.rows {
            match record.and_then(|record| prepare(app, record, self.unusable, now)) {
                Ok(user) => prepared.push((place, user)),
                Err(why) => refused.push((place, why)),
            }
        }
        let txn = store::begin(&app.db).await?;
        let accepted = without_known(&txn, prepared, &mut refused).await?;
        let mut state = self.state.clone();
        state.imported += i64::try_from(accepted.len()).unwrap_or(i64::MAX);
        state.refused += i64::try_from(refused.len()).unwrap_or(i64::MAX);
        state.updated_at = now;
        state.position = batch.position;
        match self.writing {
            Writing::Commit => {
                insert(&txn, accepted, now).await?;
                imports::save(&txn, state.clone()).await?;
                txn.commit().await?;
                app.changed.notify_one();
            }
            Writing::DryRun => txn.rollback().await?,
        }
        self.state = state;
        Ok(refused)
    }
}

/// Why a batch was not written.
enum Attempt {
    Raced,
    Failed(Error),
}

impl From<sea_orm::DbErr> for Attempt {
    fn from(error: sea_orm::DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Raced,
            _ => Self::Failed(error.into()),
        }
    }
}

/// Those who are neither here already nor twice in the batch.
async fn without_known(
    txn: &impl ConnectionTrait,
    prepared: Vec<(String, Prepared)>,
    refused: &mut Vec<(String, Refused)>,
) -> Result<Vec<Prepared>, sea_orm::DbErr> {
    let emails: Vec<Email> = prepared.iter().map(|(_, row)| row.user.email.clone()).collect();
    let ids: Vec<UserId> = prepared.iter().map(|(_, row)| row.user.id).collect();
    let numbers: Vec<i64> = prepared.iter().filter_map(|(_, row)| row.number).collect();
    let mut by_email: HashMap<Email, UserId> = users::ids_by_email(txn, &emails).await?.into_iter().collect();
    let mut by_id: HashSet<UserId> = users::known_ids(txn, &ids).await?.into_iter().collect();
    let given = user_numbers::given(txn, &numbers).await?;
    let mut by_number: HashMap<i64, UserId> = given.into_iter().map(|row| (row.number, row.user_id)).collect();
    let mut accepted = Vec::with_capacity(prepared.len());
    for (place, row) in prepared {
        let holder = by_email.get(&row.user.email).copied();
        let namesake = row.number.and_then(|number| by_number.get(&number).copied());
        let namesake = namesake.or(by_id.contains(&row.user.id).then_some(row.user.id));
        match (namesake, holder) {
            (Some(namesake), Some(holder)) if namesake == holder => refused.push((place, Refused::AlreadyImported)),
            (Some(_), _) => refused.push((place, Refused::IdTaken)),
            (None, Some(_)) => refused.push((place, Refused::EmailTaken)),
            (None, None) => {
                by_email.insert(row.user.email.clone(), row.user.id);
                by_id.insert(row.user.id);
                by_number.extend(row.number.map(|number| (number, row.user.id)));
                accepted.push(row);
            }
        }
    }
    Ok(accepted)
}

async fn insert(txn: &DatabaseTransaction, accepted: Vec<Prepared>, now: DateTime<Utc>) -> Result<(), sea_orm::DbErr> {
    if accepted.is_empty() {
        return Ok(());
    }
    let ids: Vec<UserId> = accepted.iter().map(|row| row.user.id).collect();
    let number = |row: &Prepared| row.number.map(|number| user_numbers::Model { number, user_id: row.user.id });
    let numbers = accepted.iter().filter_map(number).collect();
    users::insert_many(txn, accepted.into_iter().map(|row| row.user)).await?;
    user_numbers::insert_many(txn, numbers).await?;
    changes::append_created(txn, &ids, now).await
}
