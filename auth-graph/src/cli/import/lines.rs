//! Reads files with one JSON object per line, one batch at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use super::prefix::{FilePosition, Prefix};
use engine::transfer::{Batch, Record, Refused, Row};

/// Maximum length of a line. A longer line is rejected.
const LONGEST_LINE: u64 = 1024 * 1024;

/// A file with one JSON object per line.
pub(super) struct Lines {
    file: BufReader<File>,
    prefix: Prefix,
    place: FilePosition,
    length: u64,
    shape: fn(Value) -> Option<Record>,
}

impl Lines {
    pub(super) fn open(path: &Path, position: &str, shape: fn(Value) -> Option<Record>) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        if file.fill_buf()?.first() == Some(&b'[') {
            let what = "the file is a JSON array: write one object per line, as `dumpdata --format jsonl` does";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let (prefix, place) = Prefix::open(path, position)?;
        file.seek(SeekFrom::Start(place.offset))?;
        let length = file.get_ref().metadata()?.len();
        Ok(Self { file, prefix, place, length, shape })
    }

    /// Returns whether no earlier run has read from the file.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        self.place.offset == 0
    }

    /// Returns the position and the length, in bytes.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.place.offset, self.length)
    }

    pub(super) fn next(&mut self, most: usize) -> io::Result<Option<Batch>> {
        let mut rows = Vec::new();
        while rows.len() < most {
            let mut bytes = Vec::new();
            let length = (&mut self.file).take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
            if length == 0 {
                break;
            }
            self.place.offset += length as u64;
            self.place.line += 1;
            let is_whole = bytes.last() == Some(&b'\n') || length < LONGEST_LINE as usize;
            if !is_whole {
                self.place.offset += skip_line(&mut self.file)?;
            }
            let text = String::from_utf8_lossy(&bytes);
            if text.trim().is_empty() {
                continue;
            }
            let record = serde_json::from_slice(&bytes).ok().filter(|_| is_whole).and_then(self.shape);
            rows.push(Row { place: self.place.line.to_string(), record: record.ok_or(Refused::Malformed) });
        }
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(Batch { rows, position: self.prefix.position(self.place)? }))
    }
}

/// Skips the rest of a line that is too long, and returns the number of skipped bytes.
fn skip_line(file: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = file.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        file.consume(length);
        skipped += length as u64;
        if end.is_some() || length == 0 {
            return Ok(skipped);
        }
    }
}
