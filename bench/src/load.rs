//! Load: as many requests as the server answers ([`saturate`]), or a fixed number a second ([`pace`]).
//!
//! Every answer is checked, because a server answers fast with errors.

use std::cell::Cell;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::http::{BlockingConnection, Connection};
use crate::machine::thread_time;

/// The requests, and the answer that each must get.
#[derive(Clone)]
pub struct Load {
    /// The address of the server.
    pub address: SocketAddr,
    /// The requests, sent in turn.
    pub requests: Arc<[Vec<u8>]>,
    /// The expected beginning of every answer's body.
    pub answer: &'static str,
    /// The number of connections that send requests at the same time.
    pub connections: usize,
}

/// The result of a load.
pub struct Outcome {
    /// The number of answers.
    pub answers: usize,
    /// Time from the first request to the last answer.
    pub elapsed: Duration,
    /// Processor time of the generator; measured by [`saturate`] only.
    pub generator: Duration,
    /// The latency of each answer, sorted.
    pub latencies: Vec<Duration>,
}

impl Outcome {
    /// Returns the number of answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    /// Returns the latency that the given percentage of the answers stays within.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).copied().unwrap_or_default()
    }
}

/// Sends requests for the given time. Each connection sends its next request when the answer arrives. One thread serves
/// all connections.
///
/// # Errors
/// When a connection fails or an answer is wrong.
pub fn saturate(load: &Load, time: Duration) -> Result<Outcome, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let tasks = tokio::task::LocalSet::new();
    let (start, before) = (Instant::now(), thread_time());
    let next = Rc::new(Cell::new(0));
    let mut latencies = Vec::new();
    let connections: Vec<_> = (0..load.connections)
        .map(|_| tasks.spawn_local(ask_until(start + time, load.clone(), Rc::clone(&next))))
        .collect();
    tasks.block_on(&runtime, async {
        for connection in connections {
            latencies.extend(connection.await??);
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    let (elapsed, generator) = (start.elapsed(), thread_time() - before);
    latencies.sort_unstable();
    Ok(Outcome { answers: latencies.len(), elapsed, generator, latencies })
}

async fn ask_until(end: Instant, load: Load, next: Rc<Cell<usize>>) -> io::Result<Vec<Duration>> {
    let mut connection = Connection::open(load.address).await?;
    let mut latencies = Vec::new();
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(latencies);
        }
        let request = &load.requests[next.replace(next.get() + 1) % load.requests.len()];
        check(load.answer, connection.exchange(request).await?)?;
        latencies.push(sent.elapsed());
    }
}

/// Sends a fixed number of requests a second, whether or not earlier ones were answered. A latency counts from the time
/// that the request was due, so that a stalled server is charged for every request that it delayed.
///
/// # Errors
/// When a connection fails or an answer is wrong.
pub fn pace(load: &Load, rate: u32, time: Duration) -> Result<Outcome, Box<dyn Error>> {
    let start = Instant::now() + Duration::from_millis(20);
    let count = (time.as_secs_f64() * f64::from(rate)) as usize;
    let threads = (0..load.connections).map(|first| {
        let load = load.clone();
        thread::spawn(move || {
            // Late requests would be the generator's fault; where this call is not permitted, they count against the
            // server.
            let _ = rustix::process::setpriority_process(None, -10);
            let mut connection = BlockingConnection::open(load.address)?;
            let mut latencies = Vec::new();
            for number in (first..count).step_by(load.connections) {
                let due = start + Duration::from_secs_f64(number as f64 / f64::from(rate));
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let request = &load.requests[number % load.requests.len()];
                check(load.answer, connection.exchange(request)?)?;
                latencies.push(due.elapsed());
            }
            Ok(latencies)
        })
    });
    let threads: Vec<thread::JoinHandle<io::Result<Vec<Duration>>>> = threads.collect();
    let mut latencies = Vec::new();
    for thread in threads {
        latencies.extend(thread.join().expect("these threads do not panic")?);
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    Ok(Outcome { answers: latencies.len(), elapsed, generator: Duration::ZERO, latencies })
}

fn check(expected: &str, (status, body): (u16, &[u8])) -> io::Result<()> {
    if status == 200 && body.starts_with(expected.as_bytes()) {
        return Ok(());
    }
    // An answer may hold a token, so only its beginning is shown.
    let begin = String::from_utf8_lossy(&body[..body.len().min(expected.len() + 60)]);
    let text = format!("expected 200 {expected}…, got {status} {begin}…");
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}
