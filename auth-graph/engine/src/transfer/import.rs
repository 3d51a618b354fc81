//! Writes imported users in batches. Each batch is one transaction, which also stores the position in the source.
//! Therefore an interrupted import continues where it stopped, and repeats nothing.
//!
//! An import expects that none of the users exists. It writes a batch, and looks for existing users only when the
//! database rejects the batch. While the commit of a batch waits for the disk, the users of the next batch are written
//! already. Shared rows (the position, and the positions in the outbox) are written only after that commit has
//! succeeded.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, SqlErr};
use tokio::task::JoinHandle;

use super::row::{Prepared, UnusableHash, prepare};
use super::{Record, Refused};
use crate::app::App;
use model::error::{Error, Result};
use model::values::{Email, UserId};
use store::{changes, imports, user_credentials, user_numbers, users};

/// A row of the source.
pub struct Row {
    /// Position for the report: a line or an identifier.
    pub place: String,
    /// Content of the row.
    pub record: Result<Record, Refused>,
}

/// Rows of the source that are written together.
pub struct Batch {
    /// The rows, at most about a thousand, so that they fit into one statement.
    pub rows: Vec<Row>,
    /// Position in the source after these rows.
    pub position: String,
}

impl Batch {
    /// Performs all checks that need no database.
    #[must_use]
    pub fn prepare(self, app: &App, unusable: UnusableHash) -> PreparedBatch {
        let now = app.clock.now();
        let mut prepared = PreparedBatch { users: Vec::new(), refused: Vec::new(), position: self.position };
        for Row { place, record } in self.rows {
            match record.and_then(|record| prepare(app, record, unusable, now)) {
                Ok(user) => prepared.users.push((place, user)),
                Err(why) => prepared.refused.push((place, why)),
            }
        }
        prepared
    }
}

/// Rows that have passed all checks without the database, and rows that were rejected.
pub struct PreparedBatch {
    users: Vec<(String, Prepared)>,
    refused: Vec<(String, Refused)>,
    position: String,
}

/// Effect of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// The users are written.
    Commit,
    /// Nothing is written; the import only reports which rows would be rejected.
    DryRun,
}

/// A running import.
#[derive(Debug)]
pub struct Import {
    state: imports::Model,
    writing: Writing,
    expected: Expected,
    committing: Option<Committing>,
    refused: Vec<(String, Refused)>,
}

/// A batch whose commit is running.
#[derive(Debug)]
struct Committing {
    commit: JoinHandle<Result<(), DbErr>>,
    refused: Vec<(String, Refused)>,
}

/// Expectation about the rows. After an import has met an existing user, it looks for existing users in each batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// No user exists already.
    AllNew,
    /// Some users may exist already.
    SomeExist,
}

impl Import {
    /// Begins or continues the import from a source of this name.
    pub async fn open(app: &App, name: &str, writing: Writing) -> Result<Self> {
        let found = imports::find(&app.db, name).await?;
        let state = found.unwrap_or_else(|| imports::Model {
            name: name.to_owned(),
            position: String::new(),
            imported: 0,
            refused: 0,
            updated_at: app.clock.now(),
        });
        // A dry run inserts nothing, so that the database cannot report existing users.
        let expected = if writing == Writing::DryRun { Expected::SomeExist } else { Expected::AllNew };
        Ok(Self { state, writing, expected, committing: None, refused: Vec::new() })
    }

    /// Returns the position at which the source continues; empty at its beginning.
    #[must_use]
    pub fn position(&self) -> &str {
        &self.state.position
    }

    /// Returns the number of users that this run and earlier runs have created.
    #[must_use]
    pub fn imported(&self) -> i64 {
        self.state.imported
    }

    /// Returns the number of rows that this run and earlier runs have rejected.
    #[must_use]
    pub fn refused(&self) -> i64 {
        self.state.refused
    }

    /// Writes a batch. Its commit may still be running afterwards.
    ///
    /// # Errors
    /// When the database fails; no row of the batch is written then.
    pub async fn write(&mut self, app: &App, batch: &PreparedBatch) -> Result<()> {
        loop {
            match self.try_write(app, batch).await {
                Ok(()) => return Ok(()),
                // A user exists already, or has just registered. The next attempt looks for them.
                Err(WriteError::Clashed) => self.expected = Expected::SomeExist,
                Err(WriteError::Failed(error)) => return Err(error),
            }
        }
    }

    /// Waits for the commit of the last batch.
    ///
    /// # Errors
    /// When the database fails; no row of that batch is written then.
    pub async fn settle(&mut self, app: &App) -> Result<()> {
        let Some(Committing { commit, refused }) = self.committing.take() else { return Ok(()) };
        commit.await.expect("a commit does not panic")?;
        app.feed.written.notify_one();
        self.refused.extend(refused);
        Ok(())
    }

    /// Returns the rejected rows of the batches that were committed since the last call.
    pub fn take_refused(&mut self) -> Vec<(String, Refused)> {
        std::mem::take(&mut self.refused)
    }

    async fn try_write(&mut self, app: &App, batch: &PreparedBatch) -> Result<(), WriteError> {
        // A search for existing users must see the users of the previous batch. SQLite has only one writer.
        if self.expected == Expected::SomeExist || store::has_one_writer(&app.db) {
            self.settle(app).await?;
        }
        let now = app.clock.now();
        let txn = store::begin(&app.db).await?;
        let mut existing = match self.expected {
            Expected::AllNew => ExistingUsers::default(),
            Expected::SomeExist => ExistingUsers::among(&txn, &batch.users).await?,
        };
        let mut refused = batch.refused.clone();
        let accepted = existing.without(&batch.users, &mut refused);
        let mut state = self.state.clone();
        state.imported += i64::try_from(accepted.len()).unwrap_or(i64::MAX);
        state.refused += i64::try_from(refused.len()).unwrap_or(i64::MAX);
        state.updated_at = now;
        state.position.clone_from(&batch.position);
        let commit = match self.writing {
            Writing::Commit => {
                insert(&txn, &accepted).await?;
                self.settle(app).await?;
                imports::save(&txn, state.clone()).await?;
                append_created(&txn, &accepted, now).await?;
                tokio::spawn(txn.commit())
            }
            Writing::DryRun => tokio::spawn(txn.rollback()),
        };
        self.committing = Some(Committing { commit, refused });
        self.state = state;
        Ok(())
    }
}

/// Reason for which a batch was not written.
enum WriteError {
    Clashed,
    Failed(Error),
}

impl From<DbErr> for WriteError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Clashed,
            _ => Self::Failed(error.into()),
        }
    }
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The existing users, by their unique values.
#[derive(Default)]
struct ExistingUsers {
    by_email: HashMap<Email, UserId>,
    by_id: HashSet<UserId>,
    by_number: HashMap<i64, UserId>,
}

impl ExistingUsers {
    /// Finds the users in the database that have a unique value of one of these rows.
    async fn among(txn: &impl ConnectionTrait, prepared: &[(String, Prepared)]) -> Result<Self, DbErr> {
        let emails: Vec<Email> = prepared.iter().map(|(_, row)| row.user.email.clone()).collect();
        let ids: Vec<UserId> = prepared.iter().map(|(_, row)| row.user.id).collect();
        let numbers: Vec<i64> = prepared.iter().filter_map(|(_, row)| row.number).collect();
        let given = user_numbers::given(txn, &numbers).await?;
        Ok(Self {
            by_email: users::ids_by_email(txn, &emails).await?.into_iter().collect(),
            by_id: users::known_ids(txn, &ids).await?.into_iter().collect(),
            by_number: given.into_iter().map(|row| (row.number, row.user_id)).collect(),
        })
    }

    /// Returns the rows whose users do not exist yet, without duplicates.
    fn without<'a>(
        &mut self,
        prepared: &'a [(String, Prepared)],
        refused: &mut Vec<(String, Refused)>,
    ) -> Vec<&'a Prepared> {
        let mut accepted = Vec::with_capacity(prepared.len());
        for (place, row) in prepared {
            match self.refusal(row) {
                Some(why) => refused.push((place.clone(), why)),
                None => {
                    self.by_email.insert(row.user.email.clone(), row.user.id);
                    self.by_id.insert(row.user.id);
                    self.by_number.extend(row.number.map(|number| (number, row.user.id)));
                    accepted.push(row);
                }
            }
        }
        accepted
    }

    fn refusal(&self, row: &Prepared) -> Option<Refused> {
        let holder = self.by_email.get(&row.user.email).copied();
        let namesake = row.number.and_then(|number| self.by_number.get(&number).copied());
        let namesake = namesake.or(self.by_id.contains(&row.user.id).then_some(row.user.id));
        match (namesake, holder) {
            (Some(namesake), Some(holder)) if namesake == holder => Some(Refused::AlreadyImported),
            (Some(_), _) => Some(Refused::IdTaken),
            (None, Some(_)) => Some(Refused::EmailTaken),
            (None, None) => None,
        }
    }
}

async fn insert(txn: &DatabaseTransaction, accepted: &[&Prepared]) -> Result<(), DbErr> {
    if accepted.is_empty() {
        return Ok(());
    }
    let number = |row: &&Prepared| row.number.map(|number| user_numbers::Model { number, user_id: row.user.id });
    let password = |row: &&Prepared| {
        let hash = row.password.clone()?;
        Some(user_credentials::Model::password(row.user.id, hash, row.user.updated_at))
    };
    users::insert_many(txn, accepted.iter().map(|row| row.user.clone())).await?;
    user_credentials::insert_many(txn, accepted.iter().filter_map(password).collect()).await?;
    user_numbers::insert_many(txn, accepted.iter().filter_map(number).collect()).await
}

async fn append_created(txn: &DatabaseTransaction, accepted: &[&Prepared], now: DateTime<Utc>) -> Result<(), DbErr> {
    if accepted.is_empty() {
        return Ok(());
    }
    let ids: Vec<UserId> = accepted.iter().map(|row| row.user.id).collect();
    changes::append_created(txn, &ids, now).await
}
