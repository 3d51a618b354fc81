//! Log-ins while a million counters of attempts that are free again are deleted, compared with the same log-ins alone.
//!
//! PostgreSQL is measured if `TEST_DATABASE_URL` names a server.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::administration::{self, NewAccount};
use engine::app::App;
use engine::callers::{Actor, Device};
use engine::signing_in::{Identifier, Login, login};
use engine::{boot, purge};
use model::clock::Clock;
use model::config::{Config, Sources};
use model::values::NewPassword;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use secrecy::SecretString;
use store::rate_limits;
use tokio::task::JoinSet;

use crate::auth_graph::PASSWORD;
use crate::changes::fresh;
use crate::table::{Row, Target, Unit};

const COUNTERS: u64 = 1_000_000;
/// Number of users who log in again and again at the same time.
const USERS: usize = 4;

type Failure = Box<dyn Error + Send + Sync>;

/// Measures log-ins during a purge.
///
/// # Errors
/// When the database fails, a log-in is rejected, or a counter is left.
pub fn rows(time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rows = runtime.block_on(measure("SQLite", None, time)).map_err(|error| error.to_string())?;
    if let Ok(server) = std::env::var("TEST_DATABASE_URL") {
        let measured = runtime.block_on(measure("PostgreSQL", Some(&server), time));
        rows.extend(measured.map_err(|error| error.to_string())?);
    }
    Ok(rows)
}

async fn measure(database: &str, server: Option<&str>, time: Duration) -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let mut config = Config::load(&Sources::default())?;
    config.data_dir = folder.path().to_owned();
    if let Some(server) = server {
        config.database.url = SecretString::from(fresh(server).await?);
    }
    let app = boot(config, Clock::default()).await?;
    for number in 0..USERS {
        let password = NewPassword::parse(PASSWORD.into())?;
        let account = NewAccount::plain(email(number).parse()?, Some(password));
        administration::create(&app, &Actor::operator(), account).await?;
    }
    let numbers = match server {
        Some(_) => format!("generate_series(1, {COUNTERS}) AS numbers(number)"),
        None => format!(
            "(WITH RECURSIVE up(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM up LIMIT {COUNTERS}) \
             SELECT number FROM up)"
        ),
    };
    let fill = format!("INSERT INTO rate_limits (key, free_at) SELECT 'bench:' || number, 0 FROM {numbers}");
    app.db.execute_unprepared(&fill).await?;

    let alone = Arc::new(AtomicBool::new(false));
    let ending = alone.clone();
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        ending.store(true, Ordering::Relaxed);
    });
    let alone = log_in_until(&app, &alone).await?;
    let purged = Arc::new(AtomicBool::new(false));
    let (purging, done, start) = (app.clone(), purged.clone(), Instant::now());
    let purging = tokio::spawn(async move {
        let purged = purge(&purging, purging.clock.now()).await;
        done.store(true, Ordering::Relaxed);
        purged.map(|()| start.elapsed())
    });
    let meanwhile = log_in_until(&app, &purged).await?;
    let took = purging.await??;
    let left = rate_limits::Entity::find().count(&app.db).await?;
    if left > 100 {
        return Err(format!("{left} counters were left").into());
    }
    Ok(vec![Row::new(
        format!("log-ins while a million counters are deleted, {database}, p99"),
        p99(&meanwhile),
        Unit::Milliseconds,
        Target::Below(1000.0),
        format!(
            "{} log-ins, {USERS} at once; the deletion took {:.1} s; p99 of {} log-ins alone {:.1} ms",
            meanwhile.len(),
            took.as_secs_f64(),
            alone.len(),
            p99(&alone)
        ),
    )])
}

fn email(number: usize) -> String {
    format!("purge{number}@example.com")
}

/// Logs every user in again and again, and returns the time that each log-in took, sorted.
async fn log_in_until(app: &App, end: &Arc<AtomicBool>) -> Result<Vec<Duration>, Failure> {
    let mut users = JoinSet::new();
    for number in 0..USERS {
        let (app, end) = (app.clone(), end.clone());
        users.spawn(async move {
            let mut latencies = Vec::new();
            while !end.load(Ordering::Relaxed) {
                let email = email(number).parse()?;
                let (identifier, password) = (Identifier::Email(email), PASSWORD.into());
                let input = Login { identifier, password, scope: None, audience: None };
                let start = Instant::now();
                login(&app, input, &Device::default()).await?;
                latencies.push(start.elapsed());
            }
            Ok::<_, Failure>(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(of_user) = users.join_next().await {
        latencies.extend(of_user??);
    }
    latencies.sort_unstable();
    Ok(latencies)
}

fn p99(sorted: &[Duration]) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * 99 / 100).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
}
