//! Reads CSV files with a heading.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use csv::{Position, Reader, ReaderBuilder, StringRecord, Trim};
use serde_json::{Map, Value};

use super::mapping::{Mapping, Target, key};
use super::prefix::{FilePosition, Prefix};
use super::shapes::can_be_a_user;

/// The columns of a row, by their names.
type Columns = Map<String, Value>;

/// A CSV file.
pub(super) struct Table {
    reader: Reader<File>,
    prefix: Prefix,
    heading: Vec<String>,
    lines: LineCounter,
    length: u64,
    resumed: bool,
}

impl Table {
    pub(super) fn open(path: &Path, position: &str, mapping: &Mapping) -> io::Result<Self> {
        let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_path(path)?;
        let heading = heading(reader.headers()?);
        let is_known = |name: &String| match mapping.target(name) {
            Some(Target::Value(target)) => can_be_a_user(&key(&target)),
            Some(_) => false,
            None => can_be_a_user(&key(name)),
        };
        if !heading.iter().any(is_known) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the first line has no column `email` (columns are separated by commas)",
            ));
        }
        let (prefix, place) = Prefix::open(path, position)?;
        if place.offset > 0 {
            let mut position = Position::new();
            position.set_byte(place.offset);
            reader.seek(position)?;
        }
        let length = reader.get_ref().metadata()?.len();
        let lines = LineCounter::open(path)?;
        Ok(Self { reader, prefix, heading, lines, length, resumed: place.offset > 0 })
    }

    /// Returns whether no earlier run has read from the file.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        !self.resumed
    }

    /// Returns the position and the length, in bytes.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.reader.position().byte(), self.length)
    }

    /// Returns the position as text, for a run that continues here.
    pub(super) fn position(&mut self) -> io::Result<String> {
        self.prefix.position(FilePosition { offset: self.reader.position().byte(), line: 0 })
    }

    /// Returns the line of the next row and its columns, which are `None` if it cannot be read. Returns `None` at the
    /// end.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Option<Columns>)>> {
        let mut fields = StringRecord::new();
        loop {
            let start = self.reader.position().byte();
            let row = match self.reader.read_record(&mut fields) {
                Ok(false) => return Ok(None),
                // Spreadsheets write empty rows as commas only.
                Ok(true) if fields.iter().all(str::is_empty) => continue,
                Ok(true) if fields.len() == self.heading.len() => Some(self.row(&fields)),
                Ok(true) => None,
                Err(error) if error.is_io_error() => return Err(error.into()),
                Err(_) => None,
            };
            return Ok(Some((self.lines.line_of_row(start)?, row)));
        }
    }

    fn row(&self, fields: &StringRecord) -> Columns {
        let named = self.heading.iter().zip(fields).filter(|(_, value)| !value.is_empty());
        named.map(|(name, value)| (name.clone(), value.into())).collect()
    }
}

/// Returns the names of the columns. A column without a name, or with the name of an earlier one, gets one by its
/// position.
fn heading(names: &StringRecord) -> Vec<String> {
    let mut heading: Vec<String> = Vec::with_capacity(names.len());
    for (name, number) in names.iter().zip(1..) {
        let name = match name {
            "" => format!("column {number}"),
            name if heading.iter().any(|other| other == name) => format!("{name} (column {number})"),
            name => name.to_owned(),
        };
        heading.push(name);
    }
    heading
}

/// Finds the line of a row. The reader does not count the second byte of `\r\n`, nor empty lines.
struct LineCounter {
    file: BufReader<File>,
    offset: u64,
    line: u64,
    last: u8,
}

impl LineCounter {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufReader::new(File::open(path)?), offset: 0, line: 1, last: b'\n' })
    }

    /// Returns the line of the first row that begins at an offset, or behind line ends at the offset.
    fn line_of_row(&mut self, offset: u64) -> io::Result<u64> {
        loop {
            let buffer = self.file.fill_buf()?;
            let is_before =
                |place: usize, byte: u8| self.offset + (place as u64) < offset || byte == b'\n' || byte == b'\r';
            let end = buffer.iter().enumerate().position(|(place, byte)| !is_before(place, *byte));
            let passed = &buffer[..end.unwrap_or(buffer.len())];
            for byte in passed {
                // A line ends with `\n`, `\r\n` or `\r`.
                self.line += u64::from(*byte == b'\r' || (*byte == b'\n' && self.last != b'\r'));
                self.last = *byte;
            }
            let length = passed.len();
            self.offset += length as u64;
            self.file.consume(length);
            if end.is_some() || length == 0 {
                return Ok(self.line);
            }
        }
    }
}
