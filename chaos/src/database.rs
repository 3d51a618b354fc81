//! The databases of a run: one for auth-graph and one for each client service, on the server of `TEST_DATABASE_URL`.

use std::error::Error;

use sea_orm::{ConnectOptions, ConnectionTrait, Database as Orm, DatabaseConnection, DbBackend, Statement};
use url::Url;

use crate::observed::ChangeRow;

type Failure = Box<dyn Error + Send + Sync>;

/// A database that is dropped at the end of the run.
pub struct Database {
    /// The URL for the service.
    pub url: String,
    name: String,
    server: String,
}

impl Database {
    /// Creates an empty database.
    ///
    /// # Errors
    /// When there is no server.
    pub async fn create(server: &str, name: String) -> Result<Self, Failure> {
        let mut url = Url::parse(server)?;
        let db = connect(server).await?;
        db.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
        db.close().await?;
        url.set_path(&name);
        Ok(Self { url: url.into(), name, server: server.to_owned() })
    }

    /// Cuts every connection to the database.
    ///
    /// # Errors
    /// When there is no server.
    pub async fn cut_connections(&self) -> Result<(), Failure> {
        let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", self.name);
        let db = connect(&self.server).await?;
        db.execute_unprepared(&cut).await?;
        Ok(db.close().await?)
    }

    /// Drops the database.
    ///
    /// # Errors
    /// When there is no server.
    pub async fn drop(self) -> Result<(), Failure> {
        let db = connect(&self.server).await?;
        db.execute_unprepared(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await?;
        Ok(db.close().await?)
    }

    /// Reads the outbox, in the order of the positions.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn changes(&self) -> Result<Vec<ChangeRow>, Failure> {
        let read = "SELECT position, kind, CASE WHEN kind LIKE 'user%' THEN subject_id::text END, version \
                    FROM changes ORDER BY position";
        let db = connect(&self.url).await?;
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, read)).await?;
        db.close().await?;
        let row = |row: &sea_orm::QueryResult| {
            Ok(ChangeRow {
                position: row.try_get_by_index(0)?,
                kind: row.try_get_by_index(1)?,
                user: row.try_get_by_index(2)?,
                version: row.try_get_by_index(3)?,
            })
        };
        rows.iter().map(row).collect()
    }

    /// Reads the mirror of a client service, each row as an object.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn mirror(&self) -> Result<Vec<serde_json::Value>, Failure> {
        let read = "SELECT to_jsonb(mirrored_users) FROM mirrored_users ORDER BY id";
        let db = connect(&self.url).await?;
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, read)).await?;
        db.close().await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }
}

async fn connect(url: &str) -> Result<DatabaseConnection, Failure> {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).max_connections(1);
    Ok(Orm::connect(options).await?)
}
