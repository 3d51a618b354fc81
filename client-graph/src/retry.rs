//! The pauses between attempts, for requests and for the feed: one policy each.

use std::time::Duration;

use backon::{BackoffBuilder, ConstantBuilder, ExponentialBuilder};

/// Pause before a request is sent again. A person may wait for it.
const REQUEST_PAUSE: Duration = Duration::from_millis(50);
/// The feed pauses between this time and twice as long at first; the pause doubles with each failure in a row.
const FIRST: Duration = Duration::from_millis(50);
/// The feed pauses between this time and twice as long in the end.
const LONGEST: Duration = Duration::from_secs(5);

/// Returns the pauses before the repetitions of a request, of which there are as many.
pub(crate) fn request_pauses(retries: u32) -> impl Iterator<Item = Duration> {
    let retries = usize::try_from(retries).unwrap_or(usize::MAX);
    ConstantBuilder::new().with_delay(REQUEST_PAUSE).with_max_times(retries).build()
}

/// Pauses of a task that runs without end. They are random, so that replicas which lost auth-graph together do not come
/// back together.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    pauses: Option<<ExponentialBuilder as BackoffBuilder>::Backoff>,
}

impl Backoff {
    /// Starts again with the shortest pause: an attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.pauses = None;
    }

    /// Returns whether the last attempt failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.pauses.is_some()
    }

    /// Waits before the next attempt.
    pub(crate) async fn pause(&mut self) {
        let pauses = self.pauses.get_or_insert_with(|| policy().build());
        tokio::time::sleep(pauses.next().unwrap_or(LONGEST)).await;
    }
}

fn policy() -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(FIRST).with_max_delay(LONGEST).with_jitter().without_max_times()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_the_feed_is_random_and_doubles_up_to_ten_seconds() {
        let pauses: Vec<Duration> = policy().build().take(60).collect();
        for (failures, pause) in pauses.into_iter().enumerate() {
            let whole = Duration::from_millis(100).saturating_mul(1 << failures.min(7)).min(Duration::from_secs(10));
            assert!(pause >= whole.mul_f64(0.499) && pause <= whole, "{failures}: {pause:?}");
        }
    }

    #[test]
    fn a_request_is_repeated_as_often_as_configured() {
        assert_eq!(request_pauses(2).collect::<Vec<_>>(), [REQUEST_PAUSE; 2]);
        assert_eq!(request_pauses(0).count(), 0);
    }
}
