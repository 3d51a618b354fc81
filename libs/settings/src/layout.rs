//! The names and defaults of a service's settings.

use figment::value::Dict;

/// All values of the settings, as they were read.
pub type Values = Dict;

/// Names and defaults of a service's settings.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Every key with its default, in TOML.
    pub defaults: &'static str,
    /// Prefix of its environment variables.
    pub prefix: &'static str,
    /// Tables whose keys the operator chooses, such as `roles` or `rest.user_fields`.
    pub open_tables: &'static [&'static str],
    /// Keys of secrets, and of URLs that can contain one. They are never shown, and each can be read from a file: the
    /// key with `_file` at its end takes the path.
    pub secrets: &'static [&'static str],
}

impl Layout {
    /// Returns whether the operator chooses this key.
    pub(crate) fn is_open(&self, key: &str) -> bool {
        self.open_tables.iter().any(|table| key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.')))
    }
}
