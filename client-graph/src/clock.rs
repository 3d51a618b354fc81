//! The clock. Everything that depends on the time takes a [`Clock`], so that a test can move it. Nothing else reads the
//! system's time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A clock: the system's time, plus the time by which a test has moved it.
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
    /// Returns a clock that only moves by [`advance`](Self::advance), so that a test does not depend on the speed of
    /// its machine.
    #[must_use]
    pub fn standing_at(time: DateTime<Utc>) -> Self {
        Self { stands_at: Some(time), ..Self::default() }
    }

    /// Returns the current time in UTC, in microseconds: PostgreSQL does not store more digits, and SQLite must not.
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

    /// Returns the time passed since this clock was created. It does not jump when the system's time is set.
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
    fn a_standing_clock_moves_only_by_advance() {
        let clock = Clock::standing_at(DateTime::UNIX_EPOCH);
        clock.clone().advance(Duration::from_secs(3600));
        assert_eq!(clock.now() - DateTime::UNIX_EPOCH, TimeDelta::hours(1));
        assert_eq!(clock.elapsed(), Duration::from_secs(3600));
    }
}
