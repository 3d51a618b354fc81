//! What an import did not use, counted while the rows are read and printed at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Number of names that are kept. Rows of JSON can have any number of names.
const MOST_NAMES: usize = 200;
/// Number of names that are printed of each kind.
const MOST_PRINTED: usize = 40;

/// Counts of what was not used.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Rows that were read as users.
    pub(super) rows: u64,
    /// Rows with a password hash.
    pub(super) with_password: u64,
    /// Rows without an address.
    pub(super) without_email: u64,
    /// Users who are disabled, deleted or blocked in the other system.
    pub(super) disabled: u64,
    /// Columns that are not used, with the number of rows that have a value there.
    pub(super) columns: Names,
    /// Groups and permissions that become no role, with the number of their members.
    pub(super) groups: Names,
    /// Models whose rows were skipped.
    pub(super) models: Names,
    /// Values that were left out because they are not accepted. Their users were imported.
    pub(super) dropped: Names,
    /// Columns of the mapping that no row has.
    pub(super) absent: BTreeSet<String>,
}

/// Names with numbers.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, u64>);

impl Names {
    pub(super) fn count(&mut self, name: &str) {
        self.add(name, 1);
    }

    pub(super) fn add(&mut self, name: &str, number: u64) {
        if let Some(count) = self.0.get_mut(name) {
            *count += number;
        } else if self.0.len() < MOST_NAMES {
            self.0.insert(name.to_owned(), number);
        }
    }

    /// Returns the names for the screen. They come from the source, so that control characters are escaped.
    fn printed(&self) -> Option<String> {
        let shown = self.0.iter().take(MOST_PRINTED);
        let mut names: Vec<String> = shown.map(|(name, count)| format!("{} ({count})", name.escape_debug())).collect();
        if self.0.len() > MOST_PRINTED {
            names.push(format!("and {} more", self.0.len() - MOST_PRINTED));
        }
        (!names.is_empty()).then(|| names.join(", "))
    }
}

impl Notes {
    pub(super) fn print(&self) -> io::Result<()> {
        for (what, names) in [
            ("rows of other models, skipped", &self.models),
            ("columns that were not used", &self.columns),
            ("groups and permissions that became no role", &self.groups),
            ("values that were left out, as they are not accepted", &self.dropped),
        ] {
            if let Some(names) = names.printed() {
                print_line!("{what}: {names}")?;
            }
        }
        if !self.absent.is_empty() {
            let names: Vec<&str> = self.absent.iter().map(String::as_str).collect();
            print_line!("columns of the mapping that no row has: {}", names.join(", ").escape_debug())?;
        }
        if self.disabled > 0 {
            print_line!(
                "users imported as disabled, because they are disabled, deleted or blocked in the source: {}",
                self.disabled
            )?;
        }
        if self.without_email > 0 {
            let what = "they need a user name, and accounts.usernames must be on";
            print_line!("rows without an address: {}; {what}", self.without_email)?;
        }
        if self.rows > 0 && self.with_password == 0 {
            print_line!("no row has a password hash: the users have to set a password before they can sign in")?;
        }
        Ok(())
    }
}
