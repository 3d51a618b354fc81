//! Support for the tests: databases, broken servers, and the code of a rejection.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use client_graph::{AuthGraph, Code, mirror};
use http_body_util::BodyExt;
use sea_orm::sqlx::sqlite::SqliteJournalMode;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use sea_orm_migration::prelude::*;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower::ServiceExt;
use uuid::Uuid;

/// Returns the code with which an access token is rejected, or `None` if it is valid.
pub async fn code_of(auth: &AuthGraph, token: impl Into<String>) -> Option<Code> {
    auth.authenticate(&token.into().into()).await.err().map(|error| error.code())
}

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        mirror::migrations()
    }
}

/// The database of one test: a file, or a schema of `TEST_DATABASE_URL`.
pub struct TestDatabase {
    pub url: String,
    pub schema: Option<String>,
    folder: TempDir,
}

impl TestDatabase {
    pub async fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
            let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
            return Self { url, schema: None, folder };
        };
        let schema = format!("test_{}", Uuid::new_v4().simple());
        let db = Database::connect(&server).await.unwrap();
        db.execute_unprepared(&format!("CREATE SCHEMA {schema}")).await.unwrap();
        db.close().await.unwrap();
        Self { url: server, schema: Some(schema), folder }
    }

    /// Returns the settings for a service with this database.
    pub fn settings(&self) -> Vec<(String, String)> {
        let folder = self.folder.path().display().to_string();
        let mut settings = vec![("data_dir".to_owned(), folder)];
        if let Some(schema) = &self.schema {
            let separator = if self.url.contains('?') { '&' } else { '?' };
            let url = format!("{}{separator}options=-csearch_path%3D{schema}", self.url);
            settings.push(("database.url".to_owned(), url));
        }
        settings
    }

    /// Connects, and creates the table of the mirror.
    pub async fn connect(&self) -> DatabaseConnection {
        let db = self.open().await;
        Migrator::up(&db, None).await.unwrap();
        db
    }

    /// Connects to the file or schema without changing it.
    pub async fn open(&self) -> DatabaseConnection {
        self.open_with(8).await
    }

    /// Connects with a maximum number of connections.
    pub async fn open_with(&self, connections: u32) -> DatabaseConnection {
        let mut options = ConnectOptions::new(&self.url);
        options.sqlx_logging(false).max_connections(connections);
        options.map_sqlx_sqlite_opts(|options| {
            options.journal_mode(SqliteJournalMode::Wal).busy_timeout(std::time::Duration::from_secs(5))
        });
        if let Some(schema) = &self.schema {
            options.set_schema_search_path(schema);
        }
        Database::connect(options).await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some(schema) = self.schema.take() else { return };
        let url = self.url.clone();
        // `drop` cannot wait, and the runtime of the test may be shutting down, so this uses its own runtime.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let db = Database::connect(url).await.unwrap();
                // A service of the test may have left a transaction open, which no task continues.
                let end_transactions = format!(
                    "SELECT pg_terminate_backend(held.pid) FROM pg_locks held \
                     JOIN pg_class ON pg_class.oid = held.relation \
                     WHERE relnamespace = '{schema}'::regnamespace AND held.pid <> pg_backend_pid()"
                );
                db.execute_unprepared(&end_transactions).await.unwrap();
                db.execute_unprepared(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
            });
        });
        dropped.join().unwrap();
    }
}

/// The response of a router, with its body as JSON (null when it is not JSON).
pub struct Answer {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub body: serde_json::Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

pub async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

pub fn get(path: &str) -> axum::http::request::Builder {
    Request::get(path)
}

pub fn post(path: &str, body: &serde_json::Value) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}

/// Serves a router on a free port, and returns its address.
pub async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

pub fn bearer(token: &str) -> reqwest::header::HeaderMap {
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    headers
}
