//! The log: text for people, JSON lines in production.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::config::{Config, Profile};

/// Starts logging to standard error. Whoever did so before in this process goes on.
pub(super) fn init(config: &Config) {
    let filter = EnvFilter::new(&config.log.filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber is refused, which is what is wanted when the service lives within another program.
    let _ = match config.profile {
        Profile::Production => builder.json().flatten_event(true).try_init(),
        Profile::Development | Profile::Demo => {
            builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
        }
    };
}
