//! That auth-graph is away is said once, and once that it is back, however often it was asked meanwhile.

use crate::error::Error;

/// Whether auth-graph is away, as far as was said.
#[derive(Debug, Default)]
pub(super) struct Outage {
    is_told: bool,
}

impl Outage {
    /// It was asked in vain.
    pub(super) fn goes_on(&mut self, error: &Error) {
        if self.is_told {
            tracing::debug!(error = ?error, "the feed of auth-graph is still away");
        } else {
            tracing::warn!(error = ?error, "the feed of auth-graph was lost: it is asked for again and again");
        }
        self.is_told = true;
    }

    /// It has answered.
    pub(super) fn ends(&mut self) {
        if self.is_told {
            tracing::info!("the feed of auth-graph is back");
        }
        self.is_told = false;
    }
}
