//! The files that were built to `dist`, embedded at compile time. The folder may be missing.

use std::{borrow::Cow, fmt::Write};

use rust_embed::Embed;

#[derive(Embed)]
#[folder = "dist"]
#[allow_missing = true]
struct Dist;

/// A file, and the entity tag that identifies this version of it.
pub(crate) struct Asset {
    pub(crate) bytes: Cow<'static, [u8]>,
    pub(crate) tag: String,
}

pub(crate) fn get(path: &str) -> Option<Asset> {
    let file = Dist::get(path)?;
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..16] {
        write!(tag, "{byte:02x}").expect("a string grows");
    }
    tag.push('"');
    Some(Asset { bytes: file.data, tag })
}

pub(crate) fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("woff") => "font/woff",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
