//! Addresses in settings that may be left out.

use std::net::SocketAddr;

use serde::de::{Deserialize, Deserializer, Error};

/// Deserializes an address and a port, or nothing from an empty text, with
/// `#[serde(deserialize_with = "settings::optional_address")]`.
///
/// # Errors
/// When the text is neither empty nor an address.
pub fn optional_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
}
