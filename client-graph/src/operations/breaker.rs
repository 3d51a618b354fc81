//! The circuit breaker: an auth-graph that does not answer is not asked by every request. After some failures in a row
//! callers are told at once, and one of them tries again every second.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Code, Error};

/// This many failures in a row open it.
const FAILURES: u32 = 5;
/// How long nobody asks after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// No more than this wait for an answer at once, however slow auth-graph is.
const WAITING: usize = 512;

/// Who may ask.
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

/// The right to ask once. Say how it went; a caller that went away says nothing.
pub(super) struct Turn<'a> {
    breaker: &'a Breaker,
}

impl Breaker {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// # Errors
    /// `UNAVAILABLE` when auth-graph does not answer at the moment, or too many wait for it.
    pub(super) fn enter(&self) -> Result<Turn<'_>, Error> {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        if state.failures >= FAILURES {
            if now < state.closed_at {
                return Err(Error::new(Code::Unavailable).with_retry_after(state.closed_at - now));
            }
            // This caller finds out; the others need not wait with it.
            state.closed_at = now + PAUSE;
        }
        if state.waiting >= WAITING {
            return Err(Error::unavailable("too many requests wait for auth-graph"));
        }
        state.waiting += 1;
        Ok(Turn { breaker: self })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// It answered, whatever it said.
    pub(super) fn answered(self) {
        self.breaker.lock().failures = 0;
    }

    /// It did not.
    pub(super) fn failed(self) {
        let now = self.breaker.clock.elapsed();
        let mut state = self.breaker.lock();
        state.failures = state.failures.saturating_add(1);
        state.closed_at = now + PAUSE;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.breaker.lock().waiting -= 1;
    }
}
