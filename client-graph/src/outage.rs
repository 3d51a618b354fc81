//! Logs an outage once when it begins and once when it ends, independent of the number of attempts in between.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

/// Logs the outages of one kind of work.
#[derive(Debug)]
pub(crate) struct Outage {
    begun: &'static str,
    ended: &'static str,
    is_logged: AtomicBool,
}

impl Outage {
    /// Takes the messages for the begin and the end of an outage.
    pub(crate) const fn new(begun: &'static str, ended: &'static str) -> Self {
        Self { begun, ended, is_logged: AtomicBool::new(false) }
    }

    /// Records a failed attempt.
    pub(crate) fn failed(&self, error: &Error) {
        if self.is_logged.swap(true, Ordering::Relaxed) {
            tracing::debug!(error = ?error, "still: {}", self.begun);
        } else {
            tracing::warn!(error = ?error, "{}", self.begun);
        }
    }

    /// Records a successful attempt.
    pub(crate) fn recovered(&self) {
        if self.is_logged.swap(false, Ordering::Relaxed) {
            tracing::info!("{}", self.ended);
        }
    }
}
