//! Recognises the kind of a file by its first bytes, and names kinds that cannot be read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The kind of a file that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// It begins as JSON does.
    Json,
    /// It has no object of JSON at its beginning, and is not empty.
    Text,
    Unclear,
    Sqlite,
}

/// Beginnings of files that are named, with what to do.
const UNREADABLE: [(&[u8], &str); 7] = [
    (b"\x1f\x8b", "the file is compressed with gzip: decompress it first (`gunzip FILE`)"),
    (b"BZh", "the file is compressed with bzip2: decompress it first (`bunzip2 FILE`)"),
    (b"\x28\xb5\x2f\xfd", "the file is compressed with zstd: decompress it first (`unzstd FILE`)"),
    (b"PK\x03\x04", "the file is a ZIP archive or a spreadsheet: extract it, or save the sheet as CSV"),
    (b"\xff\xfe", UTF16),
    (b"\xfe\xff", UTF16),
    (b"PGDMP", "the file is a dump of PostgreSQL: restore it, and import from the URL of the database"),
];
const UTF16: &str = "the file is UTF-16, as PowerShell writes it with `>`: save it as UTF-8 first";

impl Content {
    /// Reads the beginning of a file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut start = Vec::new();
        File::open(path)?.take(4096).read_to_end(&mut start)?;
        let unreadable = UNREADABLE.iter().find(|(magic, _)| start.starts_with(magic));
        // UTF-16 without a byte order mark has a NUL beside each letter of ASCII.
        let is_utf16 = start.len() > 1 && (start[0] == 0) != (start[1] == 0);
        if let Some(what) = unreadable.map(|(_, what)| *what).or(is_utf16.then_some(UTF16)) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        if start.starts_with(b"SQLite format 3\0") {
            return Ok(Self::Sqlite);
        }
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start).trim_ascii_start();
        Ok(match text.first() {
            Some(b'{' | b'[') => Self::Json,
            Some(_) if !text.contains(&b'{') => Self::Text,
            _ => Self::Unclear,
        })
    }
}
