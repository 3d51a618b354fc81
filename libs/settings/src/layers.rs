//! Sources of settings: the defaults, then a file, then the environment, then flags.
//!
//! Every value is tested separately over the defaults, so that one run reports every wrong key and not only the first.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

/// Names and defaults of a service's settings.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Every key with its default, in TOML.
    pub defaults: &'static str,
    /// Prefix of its environment variables.
    pub prefix: &'static str,
    /// Tables whose keys the operator chooses.
    pub open_tables: &'static [&'static str],
}

/// Values that override the defaults, in this order.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Path of a TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables. Those without the service's prefix are ignored, and so is the one with the name of the
    /// file.
    pub environment: Vec<(String, String)>,
    /// Dotted keys and values, from flags.
    pub flags: Vec<(String, String)>,
}

/// Problem with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted key of the setting.
    pub key: String,
    /// Description of the problem, and what to write instead.
    pub message: String,
}

/// Problems with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

/// All values of the settings, as they were read.
pub type Values = Dict;

/// Settings that were read and checked.
#[derive(Clone, Debug)]
pub struct Loaded<C> {
    /// The deserialized settings.
    pub settings: C,
    /// The same values as they were read: those of every source over the defaults. They contain the secrets.
    pub values: Values,
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the configuration is not valid:")?;
        for Problem { key, message } in &self.0 {
            write!(formatter, "\n  {key}: {message}")?;
        }
        Ok(())
    }
}

impl Sources {
    /// Returns a file, the environment of the process, and flags.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        Self { file, environment: environment_of_process(), flags }
    }

    /// Reads and checks the settings.
    ///
    /// # Errors
    /// All [`Problems`]: unknown keys, values of the wrong type, and those that `check` returns.
    pub fn load<C: DeserializeOwned>(
        &self,
        layout: &Layout,
        check: impl FnOnce(&C) -> Vec<Problem>,
    ) -> Result<Loaded<C>, Problems> {
        let mut problems = Vec::new();
        let defaults = Figment::from(Toml::string(layout.defaults));
        let known: BTreeSet<String> = leaves(&defaults.extract().unwrap_or_default()).map(|(key, _)| key).collect();
        let is_known = |key: &str| {
            let table = key.split_once('.').map_or("", |(table, _)| table);
            known.contains(key) || layout.open_tables.contains(&table)
        };
        let mut figment = defaults.clone();
        for (source, key, value) in self.values(layout.prefix, &mut problems) {
            if !is_known(&key) {
                problems.push(Problem { key, message: format!("unknown key ({source})") });
            } else if let Err(error) = defaults.clone().merge((key.as_str(), &value)).extract::<C>() {
                problems.push(Problem { key, message: format!("{} ({source})", describe(error.kind)) });
            } else {
                figment = figment.merge((key.as_str(), value));
            }
        }
        match figment.extract::<C>() {
            Ok(settings) => {
                problems.extend(check(&settings));
                if !problems.is_empty() {
                    return Err(Problems(problems));
                }
                Ok(Loaded { settings, values: figment.extract().unwrap_or_default() })
            }
            Err(error) => {
                problems.push(Problem { key: error.path.join("."), message: describe(error.kind) });
                Err(Problems(problems))
            }
        }
    }

    fn values(&self, prefix: &str, problems: &mut Vec<Problem>) -> Vec<(String, String, Value)> {
        let mut values = Vec::new();
        if let Some(path) = &self.file {
            match read(path) {
                Ok(dict) => values.extend(leaves(&dict).map(|(key, value)| (path.display().to_string(), key, value))),
                Err(message) => problems.push(Problem { key: path.display().to_string(), message }),
            }
        }
        for (name, text) in &self.environment {
            let Some(key) = name.strip_prefix(prefix).filter(|key| *key != "CONFIG") else { continue };
            values.push((format!("environment: {name}"), key.to_lowercase().replace("__", "."), parse(text)));
        }
        values.extend(self.flags.iter().map(|(key, text)| ("flag".to_owned(), key.clone(), parse(text))));
        values
    }
}

/// Returns the environment of the process. Invalid Unicode in variables of other programs is replaced.
#[must_use]
pub fn environment_of_process() -> Vec<(String, String)> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// Returns the expectation, and not the value, which may be a secret in the wrong place.
fn describe(kind: Kind) -> String {
    match kind {
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            format!("must be {}", in_words(&expected.to_string()))
        }
        Kind::UnknownVariant(_, expected) => format!("must be one of {}", expected.join(", ")),
        // Message of the standard library for a text that is not an address.
        Kind::Message(message) if message == "invalid socket address syntax" => {
            format!("must be {}", in_words("socket address"))
        }
        other => other.to_string(),
    }
}

/// Returns an expectation of serde in the words of operators.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not below 0",
        "i32" | "i64" => "a whole number",
        "a sequence" => "a list, such as [\"a\", \"b\"]",
        "a duration" => "a duration, such as 15m",
        "socket address" => "an address and a port, such as 127.0.0.1:8000",
        other => other,
    }
}

fn read(path: &Path) -> Result<Dict, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    Figment::from(Toml::string(&text)).extract().map_err(|error| describe(error.kind))
}

/// Parses a value as figment's environment provider does: numbers, booleans and lists are recognised.
fn parse(text: &str) -> Value {
    match text.parse() {
        Ok(value) => value,
        Err(infallible) => match infallible {},
    }
}

fn leaves(dict: &Dict) -> impl Iterator<Item = (String, Value)> {
    fn walk(prefix: &str, dict: &Dict, found: &mut Vec<(String, Value)>) {
        for (name, value) in dict {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Dict(_, inner) if !inner.is_empty() => walk(&key, inner, found),
                other => found.push((key, other.clone())),
            }
        }
    }
    let mut found = Vec::new();
    walk("", dict, &mut found);
    found.into_iter()
}
