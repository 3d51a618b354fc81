//! Reads JSON files: one object per line, or the elements of a list.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use super::elements::{LONGEST, Layout, Scanner};
use super::prefix::{FilePosition, Prefix};

/// A JSON file.
pub(super) struct Lines {
    rows: Rows,
    prefix: Prefix,
    length: u64,
    resumed: bool,
}

enum Rows {
    Lines { file: BufReader<File>, place: FilePosition },
    Elements(Scanner, Layout),
}

impl Lines {
    pub(super) fn open(path: &Path, position: &str) -> io::Result<Self> {
        let layout = Layout::of(path)?;
        let (prefix, place) = Prefix::open(path, position)?;
        let mut file = BufReader::new(File::open(path)?);
        let length = file.get_ref().metadata()?.len();
        let resumed = place.offset > 0;
        let place = if resumed { place } else { layout.start() };
        let rows = match layout {
            Layout::Lines(_) => {
                file.seek(SeekFrom::Start(place.offset))?;
                Rows::Lines { file, place }
            }
            layout => Rows::Elements(Scanner::at(file, place)?, layout),
        };
        Ok(Self { rows, prefix, length, resumed })
    }

    /// Returns whether no earlier run has read from the file.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        !self.resumed
    }

    /// Returns the position and the length, in bytes.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.place().offset, self.length)
    }

    /// Returns the position as text, for a run that continues here.
    pub(super) fn position(&mut self) -> io::Result<String> {
        let place = self.place();
        self.prefix.position(place)
    }

    /// Returns the next line and its value, which is `None` if it is not JSON or too long. Returns `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Option<Value>)>> {
        match &mut self.rows {
            Rows::Elements(scanner, layout) => {
                let element = scanner.next_element(*layout)?;
                Ok(element.map(|(line, bytes)| (line, bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))))
            }
            Rows::Lines { file, place } => next_line(file, place),
        }
    }

    fn place(&self) -> FilePosition {
        match &self.rows {
            Rows::Lines { place, .. } => *place,
            Rows::Elements(scanner, _) => scanner.place,
        }
    }
}

fn next_line(file: &mut BufReader<File>, place: &mut FilePosition) -> io::Result<Option<(u64, Option<Value>)>> {
    loop {
        let mut bytes = Vec::new();
        let length = file.by_ref().take(LONGEST as u64).read_until(b'\n', &mut bytes)?;
        if length == 0 {
            return Ok(None);
        }
        place.offset += length as u64;
        place.line += 1;
        let is_whole = bytes.last() == Some(&b'\n') || length < LONGEST;
        if !is_whole {
            place.offset += skip_line(file)?;
        }
        if !bytes.trim_ascii().is_empty() {
            return Ok(Some((place.line, serde_json::from_slice(&bytes).ok().filter(|_| is_whole))));
        }
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
