//! The file that maps groups and columns of another system to roles and values here.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::Failure;
use engine::app::App;
use engine::transfer::unknown_role;
use model::error::Error;

/// Values that a column can become, in addition to members of the metadata.
const TARGETS: [&str; 15] = [
    "id",
    "number",
    "email",
    "username",
    "password_hash",
    "first_name",
    "last_name",
    "phone_number",
    "locale",
    "is_active",
    "is_staff",
    "is_superuser",
    "email_verified",
    "date_joined",
    "last_login",
];

/// The mapping of an import.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Mapping {
    /// Roles that the members of a group, or the holders of a permission, get.
    pub(super) roles: BTreeMap<String, Vec<String>>,
    /// What becomes of a column.
    columns: BTreeMap<String, String>,
}

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The value of this name.
    Value(String),
    /// A member of the metadata.
    Metadata(String),
    /// A member of the private metadata.
    PrivateMetadata(String),
    /// Nothing, on purpose.
    Ignored,
}

impl Mapping {
    /// Reads a mapping, and checks that its roles and targets exist.
    pub(super) fn read(app: &App, path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::at(path, &error))?;
        let parsed = toml::from_str::<Self>(&text);
        let wrong = |what: String| Failure::at(path, &io::Error::new(io::ErrorKind::InvalidData, what));
        let mapping = parsed.map_err(|error| wrong(error.to_string()))?;
        if let Some(role) = unknown_role(app, mapping.roles.values().flatten().map(String::as_str)) {
            let what = format!("roles: `{role}` is not among the [roles] of the configuration, or is a flag");
            return Err(wrong(what));
        }
        for (column, target) in &mapping.columns {
            if parse(target).is_none() {
                let targets = TARGETS.join(", ");
                let what = format!(
                    "columns.{column}: `{target}` must be one of {targets}, metadata.KEY, private_metadata.KEY, ignore"
                );
                return Err(wrong(what));
            }
        }
        Ok(mapping)
    }

    /// Returns what becomes of a column, if the mapping names it.
    pub(super) fn target(&self, column: &str) -> Option<Target> {
        let named = || self.columns.iter().find(|(name, _)| key(name) == key(column)).map(|(_, target)| target);
        self.columns.get(column).or_else(named).and_then(|target| parse(target))
    }

    /// Returns a text that differs from that of every other mapping.
    pub(super) fn fingerprint(&self) -> Result<String, Error> {
        serde_json::to_string(&(&self.roles, &self.columns)).map_err(Error::internal)
    }

    /// Returns the names of the mapped columns.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }
}

/// Returns a name without separators, in lower case, so that `First Name` is `first_name`.
pub(super) fn key(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn parse(target: &str) -> Option<Target> {
    let member = |rest: &str| Some(rest.to_owned()).filter(|rest| !rest.is_empty());
    if let Some(rest) = target.strip_prefix("metadata.") {
        return member(rest).map(Target::Metadata);
    }
    if let Some(rest) = target.strip_prefix("private_metadata.") {
        return member(rest).map(Target::PrivateMetadata);
    }
    match target {
        "ignore" => Some(Target::Ignored),
        value => TARGETS.contains(&value).then(|| Target::Value(value.to_owned())),
    }
}
