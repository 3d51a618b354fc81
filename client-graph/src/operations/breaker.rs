//! The circuit breaker. After some failures in a row, requests to auth-graph fail at once, and one of them per second
//! is sent as an attempt.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Code, Error};

/// Failures in a row that open the breaker.
const FAILURES: u32 = 5;
/// Pause after a failure before the next attempt.
const PAUSE: Duration = Duration::from_secs(1);
/// Maximum number of requests that wait for an answer at the same time, even if auth-graph is slow.
const WAITING: usize = 512;

/// Decides which requests are sent.
#[derive(Debug)]
pub(crate) struct Breaker {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    closed_at: Duration,
    waiting: usize,
}

/// The permission to send one request. Its holder reports the outcome, unless the caller went away.
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
}

impl Breaker {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Grants a request.
    ///
    /// # Errors
    /// `UNAVAILABLE` when auth-graph does not answer at the moment, or too many requests wait for it.
    pub(super) fn enter(&self) -> Result<Permit<'_>, Error> {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        if state.failures >= FAILURES {
            if now < state.closed_at {
                return Err(Error::new(Code::Unavailable).with_retry_after(state.closed_at - now));
            }
            // This request is the attempt; the others fail at once.
            state.closed_at = now + PAUSE;
        }
        if state.waiting >= WAITING {
            return Err(Error::unavailable("too many requests wait for auth-graph"));
        }
        state.waiting += 1;
        Ok(Permit { breaker: self })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Reports an answer of any kind.
    pub(super) fn answered(self) {
        self.breaker.lock().failures = 0;
    }

    /// Reports that no answer came.
    pub(super) fn failed(self) {
        let now = self.breaker.clock.elapsed();
        let mut state = self.breaker.lock();
        state.failures = state.failures.saturating_add(1);
        state.closed_at = now + PAUSE;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.breaker.lock().waiting -= 1;
    }
}
