//! What fails again and again is said once, and once that it works again, however often it was tried meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

/// Whether something fails, as far as was said.
#[derive(Debug)]
pub(crate) struct Outage {
    fails: &'static str,
    works: &'static str,
    is_told: AtomicBool,
}

impl Outage {
    /// What is said when it begins, and when it is over.
    pub(crate) const fn new(fails: &'static str, works: &'static str) -> Self {
        Self { fails, works, is_told: AtomicBool::new(false) }
    }

    /// It was tried in vain.
    pub(crate) fn goes_on(&self, error: &Error) {
        if self.is_told.swap(true, Ordering::Relaxed) {
            tracing::debug!(error = ?error, "still: {}", self.fails);
        } else {
            tracing::warn!(error = ?error, "{}", self.fails);
        }
    }

    /// It has worked.
    pub(crate) fn ends(&self) {
        if self.is_told.swap(false, Ordering::Relaxed) {
            tracing::info!("{}", self.works);
        }
    }
}
