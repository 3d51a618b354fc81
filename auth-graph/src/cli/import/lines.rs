//! Files with one JSON object a line, read without ever holding more than a batch of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use crate::auth::transfer::{Batch, Record, Refused, Row};

/// A longer line is no user.
const LONGEST_LINE: u64 = 1024 * 1024;
/// So much of a file tells it from another one of the same name.
const BEGINNING: u64 = 4096;

/// The start of a file.
pub(super) fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BEGINNING).read_to_end(&mut bytes)?;
    // Only whole lines, so that a short file can grow.
    bytes.truncate(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len()));
    Ok(bytes)
}

/// Such a file.
pub(super) struct Lines {
    file: BufReader<File>,
    offset: u64,
    line: u64,
    shape: fn(Value) -> Option<Record>,
}

impl Lines {
    pub(super) fn open(path: &Path, position: &str, shape: fn(Value) -> Option<Record>) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        if file.fill_buf()?.first() == Some(&b'[') {
            let what = "the file is one JSON array: write one object a line, as `dumpdata --format jsonl` does";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let (offset, line) = read_position(position)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { file, offset, line, shape })
    }

    pub(super) fn next(&mut self, most: usize) -> io::Result<Option<Batch>> {
        let mut rows = Vec::new();
        while rows.len() < most {
            let mut bytes = Vec::new();
            let length = (&mut self.file).take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
            if length == 0 {
                break;
            }
            self.offset += length as u64;
            self.line += 1;
            let is_whole = bytes.last() == Some(&b'\n') || length < LONGEST_LINE as usize;
            if !is_whole {
                self.offset += skip_line(&mut self.file)?;
            }
            let text = String::from_utf8_lossy(&bytes);
            if text.trim().is_empty() {
                continue;
            }
            let record = serde_json::from_slice(&bytes).ok().filter(|_| is_whole).and_then(self.shape);
            rows.push(Row { place: self.line.to_string(), record: record.ok_or(Refused::Malformed) });
        }
        let position = format!("{}:{}", self.offset, self.line);
        Ok((!rows.is_empty()).then_some(Batch { rows, position }))
    }
}

/// Reads to the end of a line that is too long, and tells how far that was.
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

/// The offset and the line.
pub(super) fn read_position(position: &str) -> io::Result<(u64, u64)> {
    if position.is_empty() {
        return Ok((0, 0));
    }
    let read = || {
        let (offset, line) = position.split_once(':')?;
        Some((offset.parse().ok()?, line.parse().ok()?))
    };
    read().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the position of a former run can not be read"))
}
