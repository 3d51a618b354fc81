//! client-graph's context builder alone: from the headers of a request to a verified principal, with tokens that were
//! all verified before.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue};
use client_graph::AuthGraph;
use client_graph::mirror::{self, Mirror};
use client_graph::testing::TestIssuer;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sea_orm_migration::SchemaManager;

use crate::samples::median;
use crate::table::{Row, Target, Unit};

const TOKENS: usize = 1_000;

/// Measures the context builder.
///
/// # Errors
/// When the issuer of tokens or the mirror does not work.
pub fn rows(time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(time))
}

async fn measure(time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let issuer = TestIssuer::start().await;
    let user = issuer.user("user@example.com");
    let folder = tempfile::tempdir()?;
    let (db, queries) = database(&folder.path().join("mirror.sqlite")).await?;
    let auth = issuer.auth_graph().mirror(Mirror::new(db)).build()?;
    let requests: Vec<HeaderMap> =
        (0..TOKENS).map(|_| bearer(&issuer.token_for(&user).sign())).collect::<Result<_, _>>()?;

    // The first round fetches the key and checks the signatures; the first read of the user fills the mirror.
    round(&auth, &requests).await?;
    auth.context(&requests[0]).await.user().await?;
    let calls_before = issuer.all_calls();
    let queries_before = queries.load(Ordering::Relaxed);
    if calls_before == 0 || queries_before == 0 {
        return Err("the calls or queries were not counted".into());
    }

    let mut samples = Vec::new();
    let start = Instant::now();
    while start.elapsed() < time {
        let began = Instant::now();
        round(&auth, &requests).await?;
        samples.push(began.elapsed().as_secs_f64() * 1e6 / TOKENS as f64);
    }
    let calls = issuer.all_calls() - calls_before;
    let queries = queries.load(Ordering::Relaxed) - queries_before;
    let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
    let count = samples.len() * TOKENS;
    Ok(vec![
        Row::new(
            "context builder, warm, per request",
            median(samples),
            Unit::Microseconds,
            Target::Below(3.0),
            format!("median of rounds through {TOKENS} tokens, {count} requests; the fastest round {least:.2} µs"),
        ),
        Row::new(
            "… its network calls",
            calls as f64,
            Unit::Count,
            Target::Exactly(0.0),
            format!("counted by the issuer; {calls_before} before it was warm"),
        ),
        Row::new(
            "… its queries",
            queries as f64,
            Unit::Count,
            Target::Exactly(0.0),
            format!("counted in the connection to the mirror; {queries_before} before it was warm"),
        ),
    ])
}

async fn round(auth: &AuthGraph, requests: &[HeaderMap]) -> Result<(), client_graph::Error> {
    for headers in requests {
        let context = auth.context(black_box(headers)).await;
        black_box(context.principal()?);
    }
    Ok(())
}

async fn database(file: &std::path::Path) -> Result<(DatabaseConnection, Arc<AtomicUsize>), Box<dyn Error>> {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", file.display()));
    let mut db = Database::connect(options.sqlx_logging(false).clone()).await?;
    for migration in mirror::migrations() {
        migration.up(&SchemaManager::new(&db)).await?;
    }
    let queries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&queries);
    db.set_metric_callback(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    Ok((db, queries))
}

fn bearer(token: &str) -> Result<HeaderMap, Box<dyn Error>> {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost"));
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {token}"))?);
    Ok(headers)
}
