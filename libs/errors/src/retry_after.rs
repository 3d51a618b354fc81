//! The time after which a caller may try again, in the form of `Retry-After` and `extensions.retryAfter`.

use std::time::Duration;

/// Returns the waiting time in whole seconds: rounded up, so that the next attempt is not too early, and at least 1.
#[must_use]
pub fn retry_after_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_second_is_rounded_up() {
        let seconds = |millis| retry_after_seconds(Duration::from_millis(millis));
        assert_eq!([0, 1, 1000, 1001, 30_000].map(seconds), [1, 1, 1, 2, 30]);
        assert_eq!(retry_after_seconds(Duration::MAX), u64::MAX);
    }
}
