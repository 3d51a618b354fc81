//! The time. Everything that depends on it takes a [`Clock`], so that a test can move it; nothing else reads the
//! system's time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, SubsecRound, Utc};

/// Tells the time: the system's, plus what a test has moved it by.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    stands_at: Option<DateTime<Utc>>,
    offset_micros: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that goes on when it is moved, and by a microsecond whenever somebody looks at it, so that what comes
    /// later is later. What a test sees does not depend on how long its machine takes then.
    #[must_use]
    pub fn standing_at(time: DateTime<Utc>) -> Self {
        Self { stands_at: Some(time), ..Self::default() }
    }

    /// The time now in UTC, to the microsecond: PostgreSQL keeps no more, and SQLite must not keep more.
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
