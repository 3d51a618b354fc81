//! How many changes of users a second are committed on PostgreSQL, near and some way away, by one replica and by three.
//! Every replica must read every change.
//!
//! The way is made longer by a proxy in this process. It is measured if `TEST_DATABASE_URL` names a server.

use std::error::Error;
use std::time::{Duration, Instant};

use engine::accounts::{ProfileChange, update_profile};
use engine::administration::{self, NewAccount};
use engine::app::App;
use engine::boot;
use engine::callers::{Actor, Device, Principal, authenticate};
use engine::feed::outbox;
use engine::signing_in::{Identifier, Login, login};
use model::clock::Clock;
use model::config::{Config, Sources};
use model::values::{NewPassword, PersonName};
use sea_orm::{ConnectionTrait, Database};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use url::Url;

use crate::auth_graph::PASSWORD;
use crate::table::{Row, Target, Unit};

/// Number of users who change their profiles at the same time.
const USERS: usize = 64;
/// Time for bytes to get from one end to the other, in each direction.
const WAY: Duration = Duration::from_millis(1);

type Failure = Box<dyn Error + Send + Sync>;

/// Measures changes.
///
/// # Errors
/// When the database fails, or a replica does not read every change.
pub fn rows(time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else { return Ok(Vec::new()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rows = Vec::new();
    for (place, way, target) in [("near", None, Target::None), ("1 ms away", Some(WAY), Target::AtLeast(1000.0))] {
        for replicas in [1, 3] {
            let measured = runtime.block_on(measure(&server, way, replicas, time));
            let (rate, read) = measured.map_err(|error| error.to_string())?;
            let plural = if replicas == 1 { "" } else { "s" };
            rows.push(Row::new(
                format!("changes of users per second, PostgreSQL {place}, {replicas} replica{plural}"),
                rate,
                Unit::Count,
                target,
                format!("{USERS} at once; {:.0} ms after the last one, every replica had read all", read * 1000.0),
            ));
        }
    }
    Ok(rows)
}

/// Returns the changes per second, and the seconds from the last one until every replica had read all.
async fn measure(server: &str, way: Option<Duration>, replicas: usize, time: Duration) -> Result<(f64, f64), Failure> {
    let folder = tempfile::tempdir()?;
    let database = fresh(server).await?;
    let url = match way {
        Some(way) => far(&database, way, &folder)?,
        None => database,
    };
    let mut config = Config::load(&Sources::default())?;
    config.data_dir = folder.path().to_owned();
    config.database.url = SecretString::from(url);
    config.limits.write_burst = 1_000_000;
    config.database.max_connections = u32::try_from(USERS / replicas)? + 1;
    let mut apps = Vec::new();
    for _ in 0..replicas {
        apps.push(boot(config.clone(), Clock::default()).await?);
    }
    let start = apps[0].tokens.revocations.followed_position();
    let mut following = JoinSet::new();
    for app in &apps {
        following.spawn(follow(app.clone()));
    }
    let mut changing = JoinSet::new();
    for number in 0..USERS {
        let app = apps[number % replicas].clone();
        let principal = sign_in(&app, number).await?;
        changing.spawn(async move { change(&app, &principal, time).await });
    }
    let mut changes = 0;
    while let Some(changed) = changing.join_next().await {
        changes += changed??;
    }
    let (ended, last) = (Instant::now(), start + i64::try_from(changes + USERS)?);
    while apps.iter().any(|app| app.tokens.revocations.followed_position() < last) {
        if ended.elapsed() > Duration::from_secs(10) {
            return Err("a replica has not read every change".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok((changes as f64 / time.as_secs_f64(), ended.elapsed().as_secs_f64()))
}

/// Creates a database, and returns its URL.
pub(crate) async fn fresh(server: &str) -> Result<String, Failure> {
    let name = format!("changes_{}", uuid::Uuid::new_v4().simple());
    let db = Database::connect(server).await?;
    db.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
    db.close().await?;
    let mut url = Url::parse(server)?;
    url.set_path(&name);
    Ok(url.into())
}

async fn sign_in(app: &App, number: usize) -> Result<Principal, Failure> {
    let unique = uuid::Uuid::new_v4().simple();
    let email: model::values::Email = format!("change{number}-{unique}@example.com").parse()?;
    let password = NewPassword::parse(PASSWORD.into())?;
    administration::create(app, &Actor::operator(), NewAccount::plain(email.clone(), Some(password))).await?;
    let input = Login { identifier: Identifier::Email(email), password: PASSWORD.into(), scope: None, audience: None };
    let pair = login(app, input, &Device::default()).await?;
    authenticate(app, &pair.access_token).await.map_err(|refusal| format!("{refusal:?}").into())
}

/// Changes a profile again and again, and returns how often.
async fn change(app: &App, principal: &Principal, time: Duration) -> Result<usize, Failure> {
    let (start, device) = (Instant::now(), Device::default());
    let mut count = 0;
    while start.elapsed() < time {
        let first_name = Some(format!("Ada {count}").parse::<PersonName>()?);
        update_profile(app, principal, ProfileChange { first_name, ..ProfileChange::default() }, &device).await?;
        count += 1;
    }
    Ok(count)
}

/// Follows the outbox like the task of the service.
async fn follow(app: App) {
    let Ok(mut wake) = store::Wake::listen(&app.live_db, app.feed.written.clone()).await else { return };
    while outbox::catch_up(&app).await.is_ok() && wake.wait(Duration::from_millis(50)).await.is_ok() {}
}

/// Starts a proxy to the server, and returns the URL that leads through it.
fn far(server: &str, way: Duration, folder: &TempDir) -> Result<String, Failure> {
    let mut url = Url::parse(server)?;
    let host = url.query_pairs().find(|(key, _)| key == "host").ok_or("the server has no socket")?.1.into_owned();
    let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432"))?;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = UnixStream::connect(format!("{host}/.s.PGSQL.5432")).await else { return };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            carry(from_client, to_server, way);
            carry(from_server, to_client, way);
        }
    });
    let place = folder.path().to_str().ok_or("the folder has no readable name")?;
    url.query_pairs_mut().clear().append_pair("host", place).append_pair("user", "postgres");
    Ok(url.into())
}

/// Carries bytes, each of which arrives a while after it was sent.
fn carry(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin + Send + 'static,
    way: Duration,
) {
    let (sender, mut sent) = mpsc::unbounded_channel::<(tokio::time::Instant, Vec<u8>)>();
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            if sender.send((tokio::time::Instant::now() + way, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some((due, bytes)) = sent.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
}
