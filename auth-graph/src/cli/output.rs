//! Text for standard output, and the log on standard error.

use std::io::{self, Write};

use model::config::{Config, Profile};

use super::failure::Failure;

/// Starts the log, in the format of the profile.
pub(super) fn start_log(config: &Config) {
    let format = match config.profile {
        Profile::Production => serving::Format::Json,
        Profile::Development | Profile::Demo => serving::Format::Text,
    };
    let filter = serving::filter(&config.log.filter, config.log.requests.into());
    serving::log_to_stderr(&filter, format);
}

pub(super) fn print(text: &str) -> Result<(), Failure> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}
