//! Writing what comes in, batch by batch: each is one transaction, in which the position in the source moves on too. So
//! an import that was interrupted continues where it stopped, and repeats nothing.
//!
//! Nobody is expected to be here already: a batch is written, and only when the database refuses it is looked who is.
//! While the commit of a batch waits for the disk, the users of the next are written already; what they have in common
//! with others (the position, and their places in the outbox) only when that commit has succeeded.

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
    /// The rows: so many at most that they fit one statement, about a thousand.
    pub rows: Vec<Row>,
    /// Position in the source after these rows.
    pub position: String,
}

impl Batch {
    /// Does everything that can be done without the database.
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

/// Rows that only the database can refuse now, and those that are refused already.
pub struct PreparedBatch {
    users: Vec<(String, Prepared)>,
    refused: Vec<(String, Refused)>,
    position: String,
}

/// Effect of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Yes.
    Commit,
    /// No: it is only looked what would be refused.
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

/// Who is expected among the rows. An import that has met one who is here already looks for others from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Nobody who is here already.
    Strangers,
    /// Somebody who is.
    Known,
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
        // What is only looked through is never refused by the database.
        let expected = if writing == Writing::DryRun { Expected::Known } else { Expected::Strangers };
        Ok(Self { state, writing, expected, committing: None, refused: Vec::new() })
    }

    /// Returns the position at which the source continues; empty at its beginning.
    #[must_use]
    pub fn position(&self) -> &str {
        &self.state.position
    }

    /// Returns the number of users that were created, in this run and those before it.
    #[must_use]
    pub fn imported(&self) -> i64 {
        self.state.imported
    }

    /// Returns the number of rows that were refused, in this run and those before it.
    #[must_use]
    pub fn refused(&self) -> i64 {
        self.state.refused
    }

    /// Writes a batch. Its commit may still be running afterwards.
    ///
    /// # Errors
    /// When the database fails; nothing of the batch is written then.
    pub async fn write(&mut self, app: &App, batch: &PreparedBatch) -> Result<()> {
        loop {
            match self.try_write(app, batch).await {
                Ok(()) => return Ok(()),
                // Somebody is here already, or has signed up in this moment; they are seen next time.
                Err(Attempt::Clashed) => self.expected = Expected::Known,
                Err(Attempt::Failed(error)) => return Err(error),
            }
        }
    }

    /// Waits for the commit of the last batch.
    ///
    /// # Errors
    /// When the database fails; nothing of that batch is written then.
    pub async fn settle(&mut self, app: &App) -> Result<()> {
        let Some(Committing { commit, refused }) = self.committing.take() else { return Ok(()) };
        commit.await.expect("a commit does not panic")?;
        app.feed.written.notify_one();
        self.refused.extend(refused);
        Ok(())
    }

    /// Which rows were refused in the batches that were committed since this was asked last.
    pub fn take_refused(&mut self) -> Vec<(String, Refused)> {
        std::mem::take(&mut self.refused)
    }

    async fn try_write(&mut self, app: &App, batch: &PreparedBatch) -> Result<(), Attempt> {
        // Whoever looks for others must see those of the batch before; and SQLite has one writer only.
        if self.expected == Expected::Known || store::has_one_writer(&app.db) {
            self.settle(app).await?;
        }
        let now = app.clock.now();
        let txn = store::begin(&app.db).await?;
        let mut known = match self.expected {
            Expected::Strangers => Known::default(),
            Expected::Known => Known::among(&txn, &batch.users).await?,
        };
        let mut refused = batch.refused.clone();
        let accepted = known.without(&batch.users, &mut refused);
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

/// The reason for which a batch was not written.
enum Attempt {
    Clashed,
    Failed(Error),
}

impl From<DbErr> for Attempt {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Clashed,
            _ => Self::Failed(error.into()),
        }
    }
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The users who have a value that can be given only once.
#[derive(Default)]
struct Known {
    by_email: HashMap<Email, UserId>,
    by_id: HashSet<UserId>,
    by_number: HashMap<i64, UserId>,
}

impl Known {
    /// Those of the database who have anything of these rows.
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

    /// The rows whose users are not known, nor come twice.
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
