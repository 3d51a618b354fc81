//! The time. Everything that depends on it takes a [`Clock`], so that a test can move it; nothing else reads the
//! system's time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// Tells the time: the system's, plus what a test has moved it by.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    stands_at: Option<DateTime<Utc>>,
    offset_micros: Arc<AtomicI64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { started: Instant::now(), stands_at: None, offset_micros: Arc::default() }
    }
}

impl Clock {
    /// A clock that goes on only when it is moved: what a test sees does not depend on how long its machine takes then.
    #[must_use]
    pub fn standing_at(time: DateTime<Utc>) -> Self {
        Self { stands_at: Some(time), ..Self::default() }
    }

    /// The time now in UTC, to the microsecond: PostgreSQL keeps no more, and SQLite must not keep more.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's time")]
    pub fn now(&self) -> DateTime<Utc> {
        let offset = TimeDelta::microseconds(self.offset_micros.load(Ordering::Relaxed));
        (self.stands_at.unwrap_or_else(Utc::now) + offset).trunc_subsecs(6)
    }

    /// Moves this clock and all its clones forward.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX / 4);
        self.offset_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Time passed since this clock was made: it does not jump when the system's time is set.
    pub(crate) fn elapsed(&self) -> Duration {
        let offset = u64::try_from(self.offset_micros.load(Ordering::Relaxed)).unwrap_or(0);
        let passed = if self.stands_at.is_some() { Duration::ZERO } else { self.started.elapsed() };
        passed + Duration::from_micros(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_goes_on_when_it_is_moved() {
        let clock = Clock::standing_at(DateTime::UNIX_EPOCH);
        clock.clone().advance(Duration::from_secs(3600));
        assert_eq!(clock.now() - DateTime::UNIX_EPOCH, TimeDelta::hours(1));
        assert_eq!(clock.elapsed(), Duration::from_secs(3600));
    }
}
