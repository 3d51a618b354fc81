//! How long to wait before the next attempt: longer each time, and never the same for two replicas.

use std::time::Duration;

use uuid::Uuid;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Grows with each failure in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It works again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether it did not work the last time.
    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Waits: between half of the time and all of it, so that replicas which lost auth-graph together do not come back
    /// together.
    pub(super) async fn pause(&mut self) {
        let whole = FIRST.saturating_mul(1 << self.failures.min(7)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let chance = f64::from(u16::from_be_bytes([Uuid::new_v4().as_bytes()[0], Uuid::new_v4().as_bytes()[1]]));
        tokio::time::sleep(whole.mul_f64(0.5 + chance / 131_072.0)).await;
    }
}
