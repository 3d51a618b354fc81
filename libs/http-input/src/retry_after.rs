//! Waiting times in whole seconds, as `Retry-After` carries them (RFC 9110 section 10.2.3).

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// Longest waiting time that is believed: one day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Rounds a waiting time up to whole seconds, at least one: waiting too long is better than asking too early.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// Reads the header where it holds seconds, up to one day. A date is not read, as the clocks may differ.
#[must_use]
pub fn read(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|wait| *wait <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (90_000, 90)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }

    #[test]
    fn only_seconds_of_a_day_are_read() {
        let read = |text: &str| read(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]));
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read("86400"), Some(LONGEST));
        for text in ["", "-1", "86401", "1.5", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
