//! A service that follows the feed in a process of its own, so that its memory can be measured.

use std::error::Error;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use client_graph::mirror::{self, Mirror};
use client_graph::{AuthGraph, UserId};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sea_orm_migration::SchemaManager;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::machine::resident;

/// The feed to follow, the mirror to fill and the change to wait for. The secret of the service client is read from
/// standard input.
#[derive(Args)]
pub struct Following {
    /// Address of auth-graph.
    pub auth_graph: String,
    /// Identifier of the service client.
    pub client: Uuid,
    /// Database of the mirror.
    pub database: String,
    /// User to wait for.
    pub user: Uuid,
    /// Version of the user at which the process ends.
    pub version: i64,
}

/// The time and memory that following took.
pub struct Cost {
    /// Seconds from the first request until the user arrived.
    pub seconds: f64,
    /// Peak resident memory, in MB.
    pub megabytes: f64,
}

impl Following {
    /// Follows the feed in a process of its own.
    ///
    /// # Errors
    /// When the user does not arrive.
    pub fn run(&self, secret: &SecretString) -> Result<Cost, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("follow").args([&self.auth_graph, &self.client.to_string(), &self.database]);
        command.args([self.user.to_string(), self.version.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().expect("the pipe was requested");
        writeln!(stdin, "{}", secret.expose_secret())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (seconds, megabytes) = text.trim().split_once(' ').ok_or("a follower did not arrive")?;
        Ok(Cost { seconds: seconds.parse()?, megabytes: megabytes.parse()? })
    }

    /// Follows the feed in this process, and prints the time and memory.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn follow(&self) -> Result<(), Box<dyn Error>> {
        let secret = SecretString::from(std::io::read_to_string(std::io::stdin())?.trim());
        let mirror = Mirror::new(open(&self.database).await?);
        let auth = AuthGraph::builder(&self.auth_graph)
            .audience("graph")
            .service_client(self.client, secret)
            .mirror(mirror.clone())
            .build()?;
        let started = Instant::now();
        let following = auth.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let feed = tokio::spawn(async move { following.run_feed(async { drop(stopped.await) }).await });
        let mut seen = 0;
        while mirror.user(UserId(self.user)).await?.is_none_or(|user| user.version < self.version) {
            seen = auth.feed_moved(seen).await;
        }
        println!("{} {}", started.elapsed().as_secs_f64(), resident(std::process::id()).1);
        // Otherwise the next follower of this database would wait until this one's lease expires.
        drop(stop);
        Ok(feed.await??)
    }
}

async fn open(url: &str) -> Result<DatabaseConnection, Box<dyn Error>> {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).map_sqlx_sqlite_opts(|sqlite| {
        sqlite.create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal)
    });
    let db = Database::connect(options).await?;
    let manager = SchemaManager::new(&db);
    if !manager.has_table("mirrored_users").await? {
        for migration in mirror::migrations() {
            migration.up(&manager).await?;
        }
    }
    Ok(db)
}
