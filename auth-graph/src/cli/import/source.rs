//! A source of rows: a JSON file, a CSV file or a database. It continues at the position that an earlier run has
//! reached.

use super::Failure;
use super::csv::Table;
use super::database::Database;
use super::dump;
use super::lines::Lines;
use super::options::{Format, Options, Place};
use super::reading::{Reading, malformed};
use super::systems;
use engine::transfer::Batch;
use std::io;
use std::path::Path;

/// Number of rows in one transaction.
const BATCH: usize = 1000;

pub(super) enum Source {
    Lines(Lines),
    Table(Table),
    Database(Database),
}

impl Source {
    pub(super) async fn open(
        options: &Options,
        place: &Place,
        position: &str,
        reading: &mut Reading,
    ) -> Result<Self, Failure> {
        match place {
            Place::Database(url) => Ok(Self::Database(Database::open(url, options.table(), position).await?)),
            Place::Csv(path) => {
                let table = Table::open(path, position, reading.mapping());
                Ok(Self::Table(table.map_err(|error| Failure::at(path, &error))?))
            }
            Place::Json(path) => {
                check_system(path, options.from)?;
                if options.from.is_of_django() {
                    reading.set_names(dump::survey(path, options.model())?);
                }
                Ok(Self::Lines(Lines::open(path, position).map_err(|error| Failure::at(path, &error))?))
            }
        }
    }

    /// Returns whether no earlier run has read from the source.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        match self {
            Self::Lines(lines) => lines.is_at_its_beginning(),
            Self::Table(table) => table.is_at_its_beginning(),
            Self::Database(database) => database.is_at_its_beginning(),
        }
    }

    /// Returns the position and the length, in bytes of a file or rows of a table.
    pub(super) fn progress(&self) -> (u64, u64) {
        match self {
            Self::Lines(lines) => lines.progress(),
            Self::Table(table) => table.progress(),
            Self::Database(database) => database.progress(),
        }
    }

    /// Returns the next rows, or `None` at the end.
    pub(super) async fn next(&mut self, reading: &mut Reading) -> Result<Option<Batch>, Failure> {
        let mut rows = Vec::new();
        let position = match self {
            Self::Database(database) => return database.next(BATCH, reading).await,
            Self::Lines(lines) => {
                while rows.len() < BATCH
                    && let Some((line, value)) = lines.next()?
                {
                    rows.extend(reading.value(line, value));
                }
                lines.position()?
            }
            Self::Table(table) => {
                while rows.len() < BATCH
                    && let Some((line, row)) = table.next()?
                {
                    rows.push(match row {
                        Some(row) => reading.row(line.to_string(), row),
                        None => malformed(line.to_string()),
                    });
                }
                table.position()?
            }
        };
        Ok((!rows.is_empty()).then_some(Batch { rows, position }))
    }
}

/// Refuses a file that another system has written in a form of its own.
fn check_system(path: &Path, from: Format) -> Result<(), Failure> {
    let mut lines = Lines::open(path, "").map_err(|error| Failure::at(path, &error))?;
    let first = lines.next().map_err(|error| Failure::at(path, &error))?;
    let Some(found) = first.and_then(|(_, value)| systems::recognise(&value?)) else { return Ok(()) };
    if found == from || (found.is_of_django() && from.is_of_django()) {
        return Ok(());
    }
    let what = format!("this is an export of {}: import it with --from {}", found.name(), found.option());
    Err(Failure::at(path, &io::Error::new(io::ErrorKind::InvalidData, what)))
}
