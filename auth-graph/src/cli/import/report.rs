//! The report of rejected rows, as CSV without a heading: one line per row, for `cut` and `wc -l`. The command prints
//! the names of the columns.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use csv::{Writer, WriterBuilder};

use super::Failure;
use engine::transfer::Rejected;

/// The columns of the report.
pub(super) const COLUMNS: [&str; 5] = ["row", "identifier", "email", "code", "field"];

/// A report of rejected rows. It is opened before the import begins: rejected rows are not read again, so that they
/// must not be lost here. It contains addresses, so that only its owner may read it.
pub(super) struct Report {
    path: PathBuf,
    writer: Writer<File>,
    is_empty: bool,
}

/// Treatment of the report of an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// The run begins anew.
    Replaced,
    /// The run continues the earlier one.
    Continued,
}

impl Report {
    pub(super) fn open(path: &Path, earlier: Earlier) -> Result<Self, Failure> {
        let at = |error: io::Error| Failure::at(path, &error);
        let is_continued = earlier == Earlier::Continued && path.metadata().is_ok_and(|found| found.len() > 0);
        // Another user may have put a symbolic link here, in a folder that everybody may write to.
        if path.is_symlink() {
            return Err(at(io::Error::other("it is a symbolic link")));
        }
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("a flag is small");
        let mut options = OpenOptions::new();
        options.create(true).mode(0o600).custom_flags(no_follow);
        let options = if is_continued { options.append(true) } else { options.write(true).truncate(true) };
        let file = options.open(path).map_err(at)?;
        if file.metadata().map_err(at)?.is_file() {
            file.set_permissions(Permissions::from_mode(0o600)).map_err(at)?;
        }
        let writer = WriterBuilder::new().has_headers(false).from_writer(file);
        Ok(Self { path: path.to_owned(), writer, is_empty: !is_continued })
    }

    pub(super) fn add(&mut self, rejected: &[Rejected]) -> Result<(), Failure> {
        for Rejected { label, refusal } in rejected {
            let row = [&label.place, &label.identifier, &label.email, refusal.code.as_str(), refusal.field];
            self.writer.write_record(row).map_err(io::Error::other)?;
            self.is_empty = false;
        }
        Ok(self.writer.flush()?)
    }
}

/// Removes a report without rows.
impl Drop for Report {
    fn drop(&mut self) {
        if self.is_empty && self.writer.get_ref().metadata().is_ok_and(|found| found.is_file()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
