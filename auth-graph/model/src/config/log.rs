//! The section `[log]`.

use serde::Deserialize;

/// Log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Filter in the syntax of tracing's `EnvFilter`.
    pub filter: String,
    /// If true, a line is logged for each request.
    pub requests: bool,
}

impl Log {
    /// Returns the filter with the lines of requests, if these are on.
    #[must_use]
    pub fn to_filter(&self) -> String {
        let Self { filter, requests } = self;
        if *requests { format!("{filter},serving::observe=debug") } else { filter.clone() }
    }
}
