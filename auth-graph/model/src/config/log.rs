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
