//! Logs an outage once when it begins and once when it ends, independent of the number of attempts in between. It is
//! logged again when its cause becomes another one, such as a wrong secret after a lost connection.

use std::sync::{Mutex, PoisonError};

use errors::explain;

use crate::error::{Code, Error};

/// Logs the outages of one kind of work.
#[derive(Debug)]
pub(crate) struct Outage {
    begun: &'static str,
    ended: &'static str,
    logged: Mutex<Option<Code>>,
}

impl Outage {
    /// Takes the messages for the begin and the end of an outage.
    pub(crate) const fn new(begun: &'static str, ended: &'static str) -> Self {
        Self { begun, ended, logged: Mutex::new(None) }
    }

    /// Records a failed attempt.
    pub(crate) fn failed(&self, error: &Error) {
        let before = self.logged.lock().unwrap_or_else(PoisonError::into_inner).replace(error.code());
        if before == Some(error.code()) {
            tracing::debug!(error = explain(error), "still: {}", self.begun);
        } else {
            tracing::warn!(error = explain(error), "{}", self.begun);
        }
    }

    /// Records a successful attempt.
    pub(crate) fn recovered(&self) {
        if self.logged.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!("{}", self.ended);
        }
    }
}
