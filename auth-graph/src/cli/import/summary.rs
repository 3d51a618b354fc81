//! What is printed at the end of an import.

use std::collections::BTreeMap;
use std::path::Path;

use super::Failure;
use super::notes::Notes;
use super::report::COLUMNS;
use engine::transfer::{Refused, Rejected, Writing};
use model::error::Error;

/// Counts of an import.
pub(super) struct Summary {
    writing: Writing,
    pub(super) imported: i64,
    pub(super) here_already: u64,
    pub(super) completed: u64,
    refused: BTreeMap<Refused, u64>,
}

impl Summary {
    pub(super) fn new(writing: Writing) -> Self {
        Self { writing, imported: 0, here_already: 0, completed: 0, refused: BTreeMap::new() }
    }

    pub(super) fn count(&mut self, rejected: &[Rejected]) {
        for row in rejected {
            *self.refused.entry(row.refusal.code).or_default() += 1;
        }
    }

    /// Prints the counts.
    ///
    /// # Errors
    /// When rows were refused, and no user was imported or existed already. The exit code is 1.
    pub(super) fn print(&self, notes: &Notes, report: &Path) -> Result<(), Failure> {
        let refused: u64 = self.refused.values().sum();
        let (imported, completed) = match self.writing {
            Writing::Commit => ("imported", "completed"),
            Writing::DryRun => ("would be imported", "would be completed"),
        };
        let mut counts = format!("{} {imported}, {refused} refused", self.imported);
        if self.here_already > 0 {
            counts += &format!(", {} here already", self.here_already);
        }
        if self.completed > 0 {
            counts += &format!(" (of which {} {completed})", self.completed);
        }
        print_line!("{counts}")?;
        for (code, number) in &self.refused {
            print_line!("{number:>8} {}: {}", code.as_str(), meaning(*code))?;
        }
        notes.print()?;
        if refused > 0 {
            let rows = match self.writing {
                Writing::Commit => "the refused rows are in",
                Writing::DryRun => "nothing was written; the rows that would be refused are in",
            };
            print_line!("{rows} {} ({})", report.display(), COLUMNS.join(", "))?;
        }
        if refused > 0 && self.imported == 0 && self.here_already == 0 {
            return Err(Error::invalid("source", "has no row that can be imported").into());
        }
        Ok(())
    }
}

/// Says what a code means, and what helps.
fn meaning(code: Refused) -> &'static str {
    match code {
        Refused::Malformed => "the row cannot be read",
        Refused::InvalidEmail => "the address is missing or invalid; with accounts.usernames, a user name will do",
        Refused::InvalidValue => "the value of the named field is not accepted",
        Refused::InvalidMetadata => "the metadata is too large, or does not fit its schema",
        Refused::UnknownHash => "the format of the hash is unknown; --unusable-hash drop imports without a password",
        Refused::HashTooCostly => "a comparison costs too much; --unusable-hash drop imports without a password",
        Refused::EmailTaken => "a user with the address exists already",
        Refused::UsernameTaken => "another user has the user name",
        Refused::IdTaken => "another user has the identifier",
    }
}
