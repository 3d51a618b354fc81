//! Durations in settings, such as `15m`.

use chrono::TimeDelta;
use serde::de::{Deserializer, Error};

/// Deserializes a duration that is added to times, with `#[serde(deserialize_with = "settings::time_delta")]`.
///
/// # Errors
/// When the value is not a duration, or longer than chrono can represent.
pub fn time_delta<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    let duration = humantime_serde::deserialize(deserializer)?;
    TimeDelta::from_std(duration).map_err(|_| D::Error::custom("is too long"))
}
