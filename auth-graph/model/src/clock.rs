//! Time. Code that depends on it uses a [`Clock`], which tests can move. No other code reads the time of the system.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, SubsecRound, Utc};

/// Clock with the time of the system, or one that tests control.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    stands_at: Option<DateTime<Utc>>,
    offset_micros: Arc<AtomicI64>,
}

impl Clock {
    /// Returns a clock that moves only by [`advance`](Self::advance), and by a microsecond at each reading, so that
    /// later readings are later. The result of a test does not depend on the speed of its machine then.
    #[must_use]
    pub fn standing_at(time: DateTime<Utc>) -> Self {
        Self { stands_at: Some(time), ..Self::default() }
    }

    /// Returns the current time (UTC) in microseconds. PostgreSQL stores no more digits, and SQLite must not.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's time")]
    pub fn now(&self) -> DateTime<Utc> {
        let (time, offset) = match self.stands_at {
            Some(time) => (time, self.offset_micros.fetch_add(1, Ordering::Relaxed)),
            None => (Utc::now(), self.offset_micros.load(Ordering::Relaxed)),
        };
        (time + Duration::microseconds(offset)).trunc_subsecs(6)
    }

    /// Moves this clock and all its clones forward.
    pub fn advance(&self, by: Duration) {
        let micros = by.num_microseconds().unwrap_or(i64::MAX / 4);
        self.offset_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_goes_on_when_it_is_moved_and_a_little_when_it_is_looked_at() {
        let clock = Clock::standing_at(DateTime::UNIX_EPOCH);
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
        clock.clone().advance(Duration::hours(1));
        assert_eq!(clock.now() - DateTime::UNIX_EPOCH, Duration::hours(1) + Duration::microseconds(1));
    }
}
