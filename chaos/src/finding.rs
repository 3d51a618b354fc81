//! A broken promise, with the events around it.

use std::fmt::{self, Display, Formatter};

use crate::history::{Event, History};

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub what: String,
    /// The events around it, the event itself marked with `>`.
    pub around: Vec<String>,
}

impl Finding {
    /// Builds a finding about rows or logs.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), around: Vec::new() }
    }

    /// Builds a finding about an event.
    #[must_use]
    pub fn at(history: &History, event: &Event, what: &str) -> Self {
        Self { what: format!("{what}: {event}"), around: history.around(event) }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        self.around.iter().try_for_each(|line| write!(f, "\n      {line}"))
    }
}
