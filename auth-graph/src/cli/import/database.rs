//! Reads the table of users in the database of another service, in the order of the primary key.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement, Value};
use serde_json::Map;
use uuid::Uuid;

use super::Failure;
use super::reading::Reading;
use super::tables::{self, Table};
use engine::transfer::Batch;
use model::error::Error;
use store;

/// A table of another system.
pub(super) struct Database {
    db: DatabaseConnection,
    /// `SELECT` clause that returns each row as JSON, with the groups and permissions of the user.
    select: String,
    last: Option<serde_json::Value>,
    read: u64,
    length: u64,
}

impl Database {
    pub(super) async fn open(url: &str, table: &str, position: &str) -> Result<Self, Failure> {
        store::check_url(url).map_err(|reason| Error::invalid("source", reason))?;
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|sqlite| sqlite.read_only(true).create_if_missing(false));
        let db = sea_orm::Database::connect(options).await;
        let db =
            db.map_err(|error| Error::unavailable(format!("source: {}", store::describe_connect_error(&error))))?;
        let table = Table::parse(table);
        let columns = table.columns(&db).await?;
        if columns.is_empty() {
            return Err(Error::invalid("table", "there is no such table in the database").into());
        }
        if !columns.iter().any(|column| column.name == "id" && !column.is_binary) {
            return Err(Error::invalid("table", "has no column `id`, or one that is binary").into());
        }
        let groups = tables::groups(&db, &table).await?;
        let permissions = tables::permissions(&db, &table).await?;
        let row = tables::row_as_json(&db, &columns);
        let rows = tables::rows(&db, &table, &columns);
        let select = format!(
            "SELECT {row} AS row, {} AS groups, {} AS permissions FROM {rows}",
            groups.as_deref().unwrap_or("NULL"),
            permissions.as_deref().unwrap_or("NULL"),
        );
        let last = match position {
            "" => None,
            position => Some(serde_json::from_str(position).map_err(Error::internal)?),
        };
        let mut database = Self { db, select, last, read: 0, length: 0 };
        database.length = database.count_rest(&table).await?;
        Ok(database)
    }

    /// Returns whether no earlier run has read from the table.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        self.last.is_none()
    }

    /// Returns the number of rows that were read, and the number of all rows.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read, self.length)
    }

    pub(super) async fn next(&mut self, most: usize, reading: &mut Reading) -> Result<Option<Batch>, Failure> {
        let found = self.db.query_all_raw(self.rest(&self.select, &format!("ORDER BY id LIMIT {most}"))).await?;
        let mut rows = Vec::with_capacity(found.len());
        for row in &found {
            let text: String = row.try_get("", "row")?;
            let mut columns: Map<String, serde_json::Value> = serde_json::from_str(&text).map_err(Error::internal)?;
            for (column, name) in [("groups", "groups"), ("permissions", "user_permissions")] {
                if let Some(list) = row.try_get::<Option<String>>("", column)? {
                    columns.insert(name.to_owned(), serde_json::from_str(&list).map_err(Error::internal)?);
                }
            }
            let id = columns.get("id").cloned().unwrap_or_default();
            let place = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            rows.push(reading.row(place, columns));
            self.last = Some(id);
            self.read += 1;
        }
        let position = self.last.as_ref().map_or_else(String::new, ToString::to_string);
        Ok((!rows.is_empty()).then_some(Batch { rows, position }))
    }

    async fn count_rest(&self, table: &Table) -> Result<u64, Failure> {
        let counted = self.rest(&format!("SELECT count(*) AS rest FROM {}", table.quoted()), "");
        let counted = self.db.query_one_raw(counted).await?;
        let rest: Option<i64> = counted.map(|row| row.try_get("", "rest")).transpose()?;
        Ok(rest.and_then(|rest| u64::try_from(rest).ok()).unwrap_or(0))
    }

    /// Builds a statement over the rows that were not read yet.
    fn rest(&self, select: &str, end: &str) -> Statement {
        let backend = self.db.get_database_backend();
        let place = if backend == DbBackend::Sqlite { "?" } else { "$1" };
        match &self.last {
            None => Statement::from_string(backend, format!("{select} {end}")),
            Some(last) => {
                let query = format!("{select} WHERE id > {place} {end}");
                Statement::from_sql_and_values(backend, query, [key(last, backend)])
            }
        }
    }
}

/// Returns the primary key in the type that the database compares.
fn key(last: &serde_json::Value, backend: DbBackend) -> Value {
    match (last.as_i64(), last.as_str().unwrap_or_default()) {
        (Some(number), _) => number.into(),
        (None, text) => match Uuid::try_parse(text) {
            Ok(uuid) if backend == DbBackend::Postgres => uuid.into(),
            _ => text.into(),
        },
    }
}
