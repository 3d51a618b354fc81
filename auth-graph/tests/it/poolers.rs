//! A pooler between the service and PostgreSQL.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use engine::accounts::Rank;
use model::clock::Clock;
use sea_orm::{ConnectionTrait, Database};
use secrecy::SecretString;
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use crate::support::{TestApp, configuration};

/// A PgBouncer, which is stopped when this value is dropped.
struct PgBouncer {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts it in front of an empty database. Returns `None` on SQLite.
    async fn start(mode: &str) -> Option<Self> {
        let server = std::env::var("TEST_DATABASE_URL").ok()?;
        let database = format!("pooled_{}", Uuid::new_v4().simple());
        let db = Database::connect(&server).await.unwrap();
        db.execute_unprepared(&format!("CREATE DATABASE {database}")).await.unwrap();
        db.close().await.unwrap();

        let server = Url::parse(&server).unwrap();
        let host = server.query_pairs().find(|(key, _)| key == "host").unwrap().1;
        let folder = TempDir::new_in("/tmp").unwrap();
        let settings = [
            "[databases]",
            &format!("{database} = host={host} user=postgres"),
            "[pgbouncer]",
            &format!("unix_socket_dir = {}", folder.path().display()),
            "listen_port = 6432",
            "auth_type = any",
            &format!("pool_mode = {mode}"),
            "ignore_startup_parameters = extra_float_digits",
        ];
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings.join("\n")).unwrap();
        let child = as_owner(folder.path(), &file).stderr(Stdio::null()).spawn().unwrap();
        while !folder.path().join(".s.PGSQL.6432").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let url = format!("postgres:///{database}?host={}&port=6432&user=postgres", folder.path().display());
        Some(Self { child, url, _folder: folder })
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the command that starts it, which root may not do.
fn as_owner(folder: &Path, settings: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        let mut command = Command::new("/usr/sbin/pgbouncer");
        command.arg(settings);
        return command;
    }
    let given = Command::new("chown").args(["-R", "postgres"]).arg(folder).status().unwrap();
    assert!(given.success());
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--clear-groups", "--pdeathsig", "TERM", "/usr/sbin/pgbouncer"]).arg(settings);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_keeps_a_connection_for_a_session_changes_nothing() {
    let Some(pooler) = PgBouncer::start("session").await else { return };
    let test = TestApp::with(|config| config.database.url = SecretString::from(pooler.url.clone())).await;
    let other = test.replica().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let second = test.anonymous().refresh(&ada.refresh).await.data("refresh")["refreshToken"].clone();
    assert_eq!(test.anonymous().logout(second.as_str().unwrap()).await.data("logout")["revokedSessions"], 1);
    engine::feed::outbox::catch_up(&other).await.unwrap();
    assert!(other.tokens.revocations.followed_position() > 0);
}

/// Statements that were prepared, limits of time and notifications would belong to the connection of somebody else.
#[tokio::test]
async fn a_pooler_that_shares_connections_between_transactions_is_refused_with_the_remedy() {
    for mode in ["transaction", "statement"] {
        let Some(pooler) = PgBouncer::start(mode).await else { return };
        let folder = TempDir::new().unwrap();
        let mut config = configuration(&folder).await;
        config.database.url = SecretString::from(pooler.url.clone());
        let refused = engine::boot(config, Clock::default()).await.unwrap_err();
        let words = errors::explain(&refused);
        assert!(words.contains("pool_mode = session"), "{mode}: {words}");
    }
}
