//! Parsers of arguments that several commands take.

use chrono::{DateTime, Utc};

pub(super) fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| "write it as 2026-01-31T12:00:00Z")
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
