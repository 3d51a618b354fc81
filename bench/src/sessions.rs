//! The cost of sessions: a refresh compared with the bare compare-and-swap that it is built on, alternately on one
//! database, and the set of ended sessions.
//!
//! PostgreSQL is measured if `TEST_DATABASE_URL` names a server.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use credentials::Revocations;
use engine::administration::{self, NewAccount};
use engine::app::App;
use engine::boot;
use engine::callers::Actor;
use engine::callers::Device;
use engine::sessions::refresh;
use engine::signing_in::{Identifier, Login, login};
use model::clock::Clock;
use model::config::{Config, Sources};
use model::values::{NewPassword, Revoked, SessionId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use secrecy::SecretString;
use store::{begin, sessions};

use crate::auth_graph::PASSWORD;
use crate::machine::resident;
use crate::samples::{ROUNDS, median};
use crate::table::{Row, Target, Unit};

const WORKERS: usize = 8;
const REVOKED: usize = 1_000_000;
const LOOK_UPS: usize = 2_000_000;

type Failure = Box<dyn Error + Send + Sync>;

/// Measures refreshes and the set of ended sessions.
///
/// # Errors
/// When the database fails, or a refresh is rejected.
pub fn rows(time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = revocation_rows();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    rows.extend(runtime.block_on(refresh_rows("SQLite", None, time)).map_err(|error| error.to_string())?);
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        let row = runtime.block_on(refresh_rows("PostgreSQL", Some(url), time));
        rows.extend(row.map_err(|error| error.to_string())?);
    }
    Ok(rows)
}

async fn refresh_rows(database: &str, url: Option<String>, time: Duration) -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let mut config = Config::load(&Sources::default())?;
    config.data_dir = folder.path().to_owned();
    config.database.url = SecretString::from(url.unwrap_or_default());
    let app = boot(config, Clock::default()).await?;
    let email = "refresh@example.com".parse()?;
    let password = NewPassword::parse(PASSWORD.into())?;
    administration::create(&app, &Actor::operator(), NewAccount::plain(email, Some(password))).await?;

    let mut chains = Vec::new();
    let mut bare = Vec::new();
    for _ in 0..WORKERS {
        chains.push((sign_in(&app).await?.0, Vec::new()));
        bare.push((sign_in(&app).await?.1, 0));
    }
    let mut ratios = Vec::new();
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let refreshed = in_parallel(&mut chains, |chain| refresh_for(app.clone(), chain, time)).await?;
        let swapped = in_parallel(&mut bare, |session| swap_for(app.clone(), session, time)).await?;
        ratios.push(refreshed as f64 / swapped as f64);
        rates[0].push(refreshed as f64 / time.as_secs_f64());
        rates[1].push(swapped as f64 / time.as_secs_f64());
    }
    let [refreshes, swaps] = rates.map(median);
    let mut latencies: Vec<Duration> = chains.into_iter().flat_map(|(_, latencies)| latencies).collect();
    latencies.sort_unstable();
    let percentile = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    Ok(vec![
        Row::new(
            format!("refresh / bare compare-and-swap, {database}"),
            median(ratios),
            Unit::Percent,
            Target::AtLeast(0.7),
            format!(
                "{refreshes:.0} refreshes/s, {swaps:.0} transactions/s that only move the generation; {WORKERS} at once"
            ),
        ),
        Row::new(
            "… p99 of a refresh",
            percentile(99),
            Unit::Milliseconds,
            Target::Below(8.0),
            format!("{WORKERS} chains of refreshes without a pause; p50 {:.1} ms", percentile(50)),
        ),
    ])
}

async fn sign_in(app: &App) -> Result<(SecretString, SessionId), Failure> {
    let email = "refresh@example.com".parse()?;
    let input = Login { identifier: Identifier::Email(email), password: PASSWORD.into(), scope: None, audience: None };
    let pair = login(app, input, &Device::default()).await?;
    Ok((pair.refresh_token, pair.session))
}

/// Runs the work of all states in parallel, each from its last state, and returns the total number of repetitions.
async fn in_parallel<T, F>(states: &mut Vec<T>, work: impl Fn(T) -> F) -> Result<usize, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<(T, usize), Failure>> + Send + 'static,
{
    let tasks: Vec<_> = states.drain(..).map(|state| tokio::spawn(work(state))).collect();
    let mut total = 0;
    for task in tasks {
        let (state, count) = task.await??;
        states.push(state);
        total += count;
    }
    Ok(total)
}

/// A chain of refreshes: its newest token, and the time that each refresh took.
type Chain = (SecretString, Vec<Duration>);

async fn refresh_for(app: App, (mut token, mut latencies): Chain, time: Duration) -> Result<(Chain, usize), Failure> {
    let (start, device) = (Instant::now(), Device::default());
    let mut count = 0;
    while start.elapsed() < time {
        let sent = Instant::now();
        token = refresh(&app, &token, &device).await?.refresh_token;
        latencies.push(sent.elapsed());
        count += 1;
    }
    Ok(((token, latencies), count))
}

async fn swap_for(
    app: App,
    (session, mut generation): (SessionId, i64),
    time: Duration,
) -> Result<((SessionId, i64), usize), Failure> {
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        let txn = begin(&app.relaxed_db).await?;
        let swap = sessions::Entity::update_many()
            .col_expr(sessions::Column::Generation, Expr::value(generation + 1))
            .filter(sessions::Column::Id.eq(session))
            .filter(sessions::Column::Generation.eq(generation));
        if swap.exec(&txn).await?.rows_affected != 1 {
            return Err("a generation was not the one that it was left at".into());
        }
        txn.commit().await?;
        generation += 1;
        count += 1;
    }
    Ok(((session, generation), count))
}

fn revocation_rows() -> Vec<Row> {
    let clock = Clock::default();
    let now = clock.now();
    let before = resident(std::process::id()).0;
    let set = Revocations::new(chrono::Duration::minutes(5));
    let session = |_| Revoked::Session(SessionId::generate(now));
    let ids: Vec<Revoked> = (0..REVOKED).map(session).collect();
    let names = resident(std::process::id()).0;
    for id in &ids {
        set.insert(*id, now);
    }
    let held = resident(std::process::id()).0 - names.max(before);
    let strangers: Vec<Revoked> = (0..REVOKED).map(session).collect();
    let start = Instant::now();
    // The entries lie far apart, so that the processor's cache does not answer.
    for number in 0..LOOK_UPS / 2 {
        let place = number * 7_919 % REVOKED;
        black_box(set.contains(black_box(ids[place])));
        black_box(set.contains(black_box(strangers[place])));
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / LOOK_UPS as f64;
    vec![
        Row::new(
            "1,000,000 ended sessions, memory",
            held,
            Unit::Megabytes,
            Target::Below(100.0),
            "resident memory that the set took",
        ),
        Row::new(
            "… one look-up",
            each,
            Unit::Microseconds,
            Target::Below(0.1),
            "half of them found; scattered over the set, one thread",
        ),
    ]
}
