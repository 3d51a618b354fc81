//! Reads CSV files with a header line. Columns have the names of the JSON form; some other common names are accepted
//! too.

use std::fs::File;
use std::io;
use std::path::Path;

use csv::{Position, Reader, ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

use super::prefix::{FilePosition, Prefix};
use super::shapes;
use engine::transfer::{Batch, Record, Refused, Row};

/// A CSV file.
pub(super) struct Table {
    reader: Reader<File>,
    prefix: Prefix,
    heading: StringRecord,
    length: u64,
    resumed: bool,
}

impl Table {
    pub(super) fn open(path: &Path, position: &str) -> io::Result<Self> {
        let mut reader = ReaderBuilder::new().flexible(true).from_path(path)?;
        let heading = reader.headers()?.clone();
        let names_email = heading.iter().any(|name| name.trim().eq_ignore_ascii_case("email"));
        if !names_email {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the first line has no column `email` (columns are separated by commas)",
            ));
        }
        let (prefix, place) = Prefix::open(path, position)?;
        if place.offset > 0 {
            let mut position = Position::new();
            position.set_byte(place.offset).set_line(place.line);
            reader.seek(position)?;
        }
        let length = reader.get_ref().metadata()?.len();
        Ok(Self { reader, prefix, heading, length, resumed: place.offset > 0 })
    }

    /// Returns whether no earlier run has read from the file.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        !self.resumed
    }

    /// Returns the position and the length, in bytes.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.reader.position().byte(), self.length)
    }

    pub(super) fn next(&mut self, most: usize) -> io::Result<Option<Batch>> {
        let mut rows = Vec::new();
        let mut fields = StringRecord::new();
        while rows.len() < most {
            let line = self.reader.position().line();
            let record = match self.reader.read_record(&mut fields) {
                Ok(false) => break,
                Ok(true) if fields.len() == self.heading.len() => self.record(&fields).ok_or(Refused::Malformed),
                Ok(true) => Err(Refused::Malformed),
                Err(error) if error.is_io_error() => return Err(error.into()),
                Err(_) => Err(Refused::Malformed),
            };
            rows.push(Row { place: fields.position().map_or(line, Position::line).to_string(), record });
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let place = FilePosition { offset: self.reader.position().byte(), line: self.reader.position().line() };
        Ok(Some(Batch { rows, position: self.prefix.position(place)? }))
    }

    fn record(&self, fields: &StringRecord) -> Option<Record> {
        let named = self.heading.iter().zip(fields);
        let filled = named.filter(|(_, value)| !value.is_empty());
        let row: Map<String, Value> =
            filled.map(|(name, value)| (name.trim().to_lowercase().replace(['_', ' '], ""), value.into())).collect();
        shapes::table(&row)
    }
}
