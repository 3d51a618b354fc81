//! The log on standard error: text for people, JSON lines for machines.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// Format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text for people, in colour on a terminal.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts to log the events that match a filter (in the syntax of [`EnvFilter`]). If a log was started in this process
/// before, that one continues.
pub fn log_to_stderr(filter: &str, format: Format) {
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(stderr);
    // A second subscriber is rejected, as it should be when a service runs within another program.
    let _ = match format {
        Format::Json => builder.json().flatten_event(true).try_init(),
        Format::Text => builder.with_ansi(stderr().is_terminal()).with_target(false).try_init(),
    };
}
