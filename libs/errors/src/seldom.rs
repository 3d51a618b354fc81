//! A bound on equal lines in the log: what callers can cause as often as they like must not fill it.

use std::sync::atomic::{AtomicI64, Ordering};

/// Seconds between two lines.
const INTERVAL: i64 = 60;

/// Lets one log line of its kind through each minute.
#[derive(Debug)]
pub struct Seldom(AtomicI64);

impl Seldom {
    /// Creates a bound that lets the next line through.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }

    /// Returns whether the line may be written now, in seconds since any fixed moment.
    pub fn is_due(&self, now: i64) -> bool {
        let due = |last: i64| (last == i64::MIN || now.saturating_sub(last) >= INTERVAL || now < last).then_some(now);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due).is_ok()
    }
}

impl Default for Seldom {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_is_let_through_also_after_the_clock_was_set_back() {
        let seldom = Seldom::new();
        let due = [0, 1, 59, 60, 61, 119, 120, 30, 31].map(|now| seldom.is_due(now));
        assert_eq!(due, [true, false, false, true, false, false, true, true, false]);
    }
}
