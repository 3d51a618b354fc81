//! Writes imported users in batches. Each batch is one transaction, which also stores the position in the source.
//! Therefore an interrupted import continues where it stopped, and repeats nothing.
//!
//! An import expects that none of the users exists. It writes a batch, and looks for existing users only when the
//! database rejects the batch. While the commit of a batch waits for the disk, the users of the next batch are written
//! already. Shared rows (the position, and the positions in the outbox) are written only after that commit has
//! succeeded.

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseTransaction, DbErr, SqlErr};
use tokio::task::JoinHandle;

use super::completing;
use super::existing::ExistingUsers;
use super::row::{Prepared, PreparedBatch, Rejected};
use crate::app::App;
use model::error::{Error, Result};
use model::values::UserId;
use store::{changes, imports, user_credentials, user_numbers, users};

/// Effect of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// The users are written.
    Commit,
    /// Nothing is written; the import only reports which rows would be rejected.
    DryRun,
}

/// Treatment of users who were imported before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// They stay as they are.
    Keep,
    /// They get what they do not have yet, unless they were changed here.
    Complete,
}

/// A running import.
#[derive(Debug)]
pub struct Import {
    state: imports::Model,
    writing: Writing,
    treatment: Existing,
    expected: Expected,
    committing: Option<Committing>,
    rejected: Vec<Rejected>,
    here_already: u64,
    completed: u64,
}

/// A batch whose commit is running.
#[derive(Debug)]
struct Committing {
    commit: JoinHandle<Result<(), DbErr>>,
    rejected: Vec<Rejected>,
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
    pub async fn open(app: &App, name: &str, writing: Writing, treatment: Existing) -> Result<Self> {
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
        let (committing, rejected) = (None, Vec::new());
        Ok(Self { state, writing, treatment, expected, committing, rejected, here_already: 0, completed: 0 })
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

    /// Returns the number of users in the rows of this run who were imported before.
    #[must_use]
    pub fn here_already(&self) -> u64 {
        self.here_already
    }

    /// Returns the number of users who were imported before and got something in this run.
    #[must_use]
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Writes a batch. Its commit may still be running afterwards.
    ///
    /// # Errors
    /// When the database fails; no row of the batch is written then.
    pub async fn write(&mut self, app: &App, batch: &PreparedBatch) -> Result<()> {
        let mut repeated = false;
        loop {
            match self.try_write(app, batch).await {
                Ok(()) => return Ok(()),
                // Another transaction was in the way: as `store::transaction` does.
                Err(WriteError::Failed(error)) if !repeated && store::is_conflict(&error) => repeated = true,
                // A user exists already, or has just registered. The next attempt looks for them.
                Err(WriteError::Clashed) => self.expected = Expected::SomeExist,
                Err(WriteError::Failed(error) | WriteError::Unsettled(error)) => return Err(error),
            }
        }
    }

    /// Waits for the commit of the last batch.
    ///
    /// # Errors
    /// When the database fails; no row of that batch is written then.
    pub async fn settle(&mut self, app: &App) -> Result<()> {
        let Some(Committing { commit, rejected }) = self.committing.take() else { return Ok(()) };
        commit.await.expect("a commit does not panic")?;
        app.feed.written.notify_one();
        self.rejected.extend(rejected);
        Ok(())
    }

    /// Returns the rejected rows of the batches that were committed since the last call.
    pub fn take_rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }

    async fn try_write(&mut self, app: &App, batch: &PreparedBatch) -> Result<(), WriteError> {
        // A search for existing users must see the users of the previous batch. SQLite has only one writer.
        if self.expected == Expected::SomeExist || store::has_one_writer(&app.db) {
            self.settle(app).await.map_err(WriteError::Unsettled)?;
        }
        let now = app.clock.now();
        let txn = store::begin(&app.db).await?;
        let mut existing = match self.expected {
            Expected::AllNew => ExistingUsers::default(),
            Expected::SomeExist => ExistingUsers::among(&txn, &batch.users).await?,
        };
        let mut rejected = batch.rejected.clone();
        let sorted = existing.sort(&batch.users, &mut rejected);
        let mut state = self.state.clone();
        state.imported += i64::try_from(sorted.new.len()).unwrap_or(i64::MAX);
        state.refused += i64::try_from(rejected.len()).unwrap_or(i64::MAX);
        state.updated_at = now;
        state.position.clone_from(&batch.position);
        let mut completed = 0;
        if self.treatment == Existing::Complete {
            completed = completing::complete(app, &txn, &sorted.here_already).await?;
        }
        let commit = match self.writing {
            Writing::Commit => {
                insert(&txn, &sorted.new).await?;
                self.settle(app).await.map_err(WriteError::Unsettled)?;
                imports::save(&txn, state.clone()).await?;
                append_created(&txn, &sorted.new, now).await?;
                tokio::spawn(txn.commit())
            }
            Writing::DryRun => tokio::spawn(txn.rollback()),
        };
        self.committing = Some(Committing { commit, rejected });
        self.state = state;
        self.here_already += sorted.here_already.len() as u64;
        self.completed += completed;
        Ok(())
    }
}

/// Reason for which a batch was not written.
enum WriteError {
    Clashed,
    Failed(Error),
    /// The commit of the batch before failed. This batch must not be written without it.
    Unsettled(Error),
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
