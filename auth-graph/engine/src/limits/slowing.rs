//! Failed passwords in a row. A counter that only refills lets an attacker guess for ever, if slowly.
//!
//! After a fifth of the failures that are accepted in a row (NIST SP 800-63B-4 section 3.2.2: at most 100), the time to
//! wait doubles with each failure, up to a day. After all of them, no attempt is accepted until the user sets a new
//! password, or the failures are forgotten.

use chrono::TimeDelta;

use model::config::Limits;
use store::rate_limits;

/// Time for which a network is known after a sign-in, and for which failures in a row are counted after the last one.
pub(crate) const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// Longest time to wait before the next attempt, unless the configured interval is longer.
const LONGEST: TimeDelta = TimeDelta::days(1);

/// The effect of failures in a row. Times are in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slowing {
    /// Number of failures at which the wait begins to grow.
    start: i32,
    /// Number of failures at which no further attempt is accepted.
    end: i32,
    interval: i64,
}

impl Slowing {
    pub(super) fn new(limits: &Limits) -> Self {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let start = number((limits.account_failures / 5).max(limits.account_attempts));
        let interval = limits.account_interval.num_microseconds().unwrap_or(i64::MAX);
        Self { start, end: number(limits.account_failures).max(start), interval }
    }

    /// Returns the time at which a counter accepts its next attempt, if its failures make the wait longer.
    pub(super) fn free_at(self, counter: &rate_limits::Model) -> Option<i64> {
        let failed_at = counter.failed_at.filter(|_| counter.failures >= self.start)?;
        let wait = if counter.failures >= self.end { micros(REMEMBERED) } else { self.wait(counter.failures) };
        Some(failed_at.saturating_add(wait))
    }

    /// Returns whether this number of failures is the first one that makes the wait longer.
    pub(super) fn begins_at(self, failures: i32) -> bool {
        failures == self.start
    }

    fn wait(self, failures: i32) -> i64 {
        let doublings = u32::try_from(failures - self.start + 1).unwrap_or(0).min(40);
        let longest = micros(LONGEST).max(self.interval);
        self.interval.saturating_mul(1 << doublings).min(longest)
    }
}

fn micros(time: TimeDelta) -> i64 {
    time.num_microseconds().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(start: i32, end: i32, failures: i32) -> Option<i64> {
        let slowing = Slowing { start, end, interval: micros(TimeDelta::seconds(30)) };
        let counter = rate_limits::Model { key: String::new(), free_at: 0, failures, failed_at: Some(0) };
        slowing.free_at(&counter).map(|time| time / 1_000_000)
    }

    #[test]
    fn the_wait_doubles_up_to_a_day_and_ends_after_all_failures() {
        let waits = |failures| waits(20, 100, failures);
        assert_eq!([19, 20, 21, 22, 30].map(waits), [None, Some(60), Some(120), Some(240), Some(61_440)]);
        assert_eq!([31, 40, 99, 100].map(waits), [Some(86_400), Some(86_400), Some(86_400), Some(90 * 86_400)]);
    }

    /// However patient the attacker is. Without the longer waits there are a million.
    #[test]
    fn strangers_get_few_guesses_at_an_account_in_a_year() {
        let (mut time, mut failures, mut guesses) = (0, 0, 0);
        while time < 365 * 86_400 {
            (failures, guesses) = (failures + 1, guesses + 1);
            let wait = waits(20, 100, failures).unwrap_or(30);
            if wait >= REMEMBERED.num_seconds() {
                failures = 0;
            }
            time += wait;
        }
        assert!(guesses < 300, "{guesses}");
    }
}
