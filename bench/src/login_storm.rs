//! Sixteen clients that log in continuously, compared with the hashes that the cores can compute; another client
//! verifies tokens meanwhile.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde_json::json;

use crate::auth_graph::{PASSWORD, email};
use crate::http::post;
use crate::load::{Load, Outcome, pace, saturate};
use crate::process::Server;
use crate::samples::median;
use crate::table::{Row, Target, Unit};
use crate::{machine, verify};

const ROUNDS: usize = 3;
const CLIENTS: usize = 16;
const VERIFICATIONS: u32 = 1_000;
/// The number of verifications that can be in progress at the same time.
const VERIFYING_CONNECTIONS: usize = 16;

/// The default costs of auth-graph.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const NICE: i32 = 5;

/// Returns the hasher and its cost.
#[must_use]
pub fn hasher() -> String {
    format!("argon2id (m={MEMORY_KIB}, t={PASSES}, p=1)")
}

/// Measures logins and verifications.
///
/// # Errors
/// When a request fails.
pub fn rows(server: &Server, tokens: &[String], time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let (login, verify) = (load(server, CLIENTS), verify::load(server, tokens, VERIFYING_CONNECTIONS));
    // The memory that the server keeps for each thread and connection is allocated from here on.
    saturate(&login, Duration::from_millis(500))?;
    let quiet = pace(&verify, VERIFICATIONS, time)?;
    let (mut alone, mut meanwhile, mut logins, mut latencies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (storm, verified) = while_verifying(&verify, time, || {
            let storm = saturate(&login, time).map_err(|error| error.to_string());
            storm.map(|storm| storm.rate())
        })?;
        logins.push(storm);
        latencies.push(verified);
        alone.push(hash_on_all_cores(time));
        meanwhile.push(while_verifying(&verify, time, || Ok(hash_on_all_cores(time)))?.0);
    }
    let ratios = |of: &[f64]| logins.iter().zip(of).map(|(logins, of)| logins / of).collect::<Vec<_>>();
    let percentile = |percent| {
        let milliseconds = latencies.iter().map(|round| round.percentile(percent).as_secs_f64() * 1e3);
        milliseconds.collect::<Vec<_>>()
    };
    let list = |values: Vec<f64>| {
        let values: Vec<_> = values.iter().map(|value| format!("{value:.1}")).collect();
        values.join(", ")
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let (now, peak) = machine::resident(server.id());
    let cores = machine::cores();
    Ok(vec![
        Row::new(
            format!("{CLIENTS} clients logging in / what the cores can hash"),
            median(ratios(&alone)),
            Unit::Percent,
            Target::AtLeast(0.9),
            format!(
                "{:.0} log-ins/s with {VERIFICATIONS} `verify`/s at the same time, {:.0} hashes/s on {cores} cores alone; {}",
                median(logins.clone()),
                median(alone),
                hasher()
            ),
        ),
        Row::new(
            "… / what they can hash during the same `verify`",
            median(ratios(&meanwhile)),
            Unit::Percent,
            Target::AtLeast(0.9),
            format!("{:.0} hashes/s with {VERIFICATIONS} `verify`/s at the same time", median(meanwhile)),
        ),
        Row::new(
            format!("… meanwhile `verify` at {VERIFICATIONS}/s, p99"),
            median(percentile(99)),
            Unit::Milliseconds,
            Target::Below(3.0),
            format!(
                "median of {ROUNDS} rounds ({}), p50 {}; without the log-ins p99 {:.1}, p50 {:.1}",
                list(percentile(99)),
                list(percentile(50)),
                milliseconds(quiet.percentile(99)),
                milliseconds(quiet.percentile(50))
            ),
        ),
        Row::new(
            "… resident memory at most",
            peak,
            Unit::Megabytes,
            Target::Below(100.0),
            format!("the highest since the start, after all the loads above; {now:.0} MB now"),
        ),
    ])
}

/// Runs a task while the server verifies tokens, and returns the latency of each verification.
fn while_verifying(
    verify: &Load,
    time: Duration,
    run: impl FnOnce() -> Result<f64, String> + Send,
) -> Result<(f64, Outcome), Box<dyn Error>> {
    thread::scope(|scope| {
        let running = scope.spawn(run);
        let verified = pace(verify, VERIFICATIONS, time)?;
        Ok((running.join().expect("it does not panic")?, verified))
    })
}

/// Builds the load: one user after the other.
#[must_use]
pub fn load(server: &Server, connections: usize) -> Load {
    let query =
        "mutation Login($input: LoginInput!) { login(input: $input) { ... on TokenPair { tokenType accessToken } } }";
    let request = |number| {
        let input = json!({ "email": email(number), "password": PASSWORD });
        let body = json!({ "query": query, "variables": { "input": input } });
        post(server.address, "/graphql", &[], &body.to_string())
    };
    Load {
        address: server.address,
        requests: (0..CLIENTS).map(request).collect(),
        answer: r#"{"data":{"login":{"tokenType":"Bearer""#,
        connections,
    }
}

/// Returns the hashes a second on all cores. Each core reuses memory of its own and hashes at auth-graph's priority, so
/// that other programs take the same share from both sides.
fn hash_on_all_cores(time: Duration) -> f64 {
    let start = Instant::now();
    let hashes: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..machine::cores()).map(|_| scope.spawn(|| hash_until(start + time))).collect();
        let hashes = threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
        hashes.sum()
    });
    hashes as f64 / start.elapsed().as_secs_f64()
}

fn hash_until(end: Instant) -> usize {
    rustix::process::setpriority_process(None, NICE).expect("a thread may lower its own priority");
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("these are auth-graph's defaults");
    let mut memory = vec![Block::default(); params.block_count()];
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; 32];
    let mut hashes = 0;
    while Instant::now() < end {
        hasher
            .hash_password_into_with_memory(PASSWORD.as_bytes(), b"sixteen bytes ok", &mut output, &mut memory)
            .expect("the memory is large enough");
        hashes += 1;
    }
    hashes
}
