//! Waiting times in whole seconds, in the form of `Retry-After` (RFC 9110 section 10.2.3).

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// Maximum accepted waiting time: one day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads the header if it contains seconds, up to one day. A date is ignored, because the clocks may differ.
#[must_use]
pub fn read(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|wait| *wait <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_seconds_up_to_a_day_are_read() {
        let read = |text: &str| read(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]));
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read("86400"), Some(LONGEST));
        for text in ["", "-1", "86401", "1.5", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
