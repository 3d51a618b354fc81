//! The report of rejected rows, as CSV: place, code.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use csv::Writer;

use super::Failure;
use engine::transfer::Refused;

/// A report of rejected rows. It is opened before the import begins: rejected rows are not read again, so that they
/// must not be lost here.
pub(super) struct Report {
    path: PathBuf,
    writer: Writer<File>,
}

impl Report {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::options().create(true).append(true).open(path).map_err(|error| Failure::at(path, &error))?;
        Ok(Self { path: path.to_owned(), writer: Writer::from_writer(file) })
    }

    pub(super) fn add(&mut self, refused: &[(String, Refused)]) -> Result<(), Failure> {
        for (place, why) in refused {
            self.writer.write_record([place, why.as_str()]).map_err(io::Error::other)?;
        }
        Ok(self.writer.flush()?)
    }
}

/// Removes a report without rows.
impl Drop for Report {
    fn drop(&mut self) {
        if self.writer.get_ref().metadata().is_ok_and(|found| found.len() == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
