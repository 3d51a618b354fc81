//! Load: as many requests as the server answers ([`saturate`]), or so many in a second ([`pace`]).
//!
//! Every answer is looked at, as a server is fast at answering with an error.

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

/// What is asked, and what must be answered.
#[derive(Clone)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// The requests, sent in turn.
    pub requests: Arc<[Vec<u8>]>,
    /// How the body of every answer begins.
    pub answer: &'static str,
    /// How many connections ask at the same time.
    pub connections: usize,
}

/// What came of it.
pub struct Outcome {
    /// Answers.
    pub answers: usize,
    /// Time from the first request to the last answer.
    pub elapsed: Duration,
    /// Processor time that the generator used; only of [`saturate`].
    pub generator: Duration,
    /// How long each answer took, ordered.
    pub latencies: Vec<Duration>,
}

impl Outcome {
    /// Answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    /// The time within which so many percent of the answers came.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).copied().unwrap_or_default()
    }
}

/// Each connection asks again as soon as it has its answer, for so long. One thread serves them all.
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

/// So many requests a second, whether or not the earlier ones were answered. A latency counts from when the request was
/// due, so that a server that stands still is charged for all that it kept waiting.
///
/// # Errors
/// When a connection fails or an answer is wrong.
pub fn pace(load: &Load, rate: u32, time: Duration) -> Result<Outcome, Box<dyn Error>> {
    let start = Instant::now() + Duration::from_millis(20);
    let count = (time.as_secs_f64() * f64::from(rate)) as usize;
    let threads = (0..load.connections).map(|first| {
        let load = load.clone();
        thread::spawn(move || {
            // Late requests would be our fault; where this is not allowed, they are counted against the server.
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
    // Of an answer that may hold a token, only the beginning is shown.
    let begin = String::from_utf8_lossy(&body[..body.len().min(expected.len() + 60)]);
    let text = format!("expected 200 {expected}…, got {status} {begin}…");
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}
