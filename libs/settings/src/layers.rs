//! Sources of settings: the defaults, then files, then the environment, then flags.
//!
//! Every value is tested separately over the defaults, so that one run reports every wrong key and not only the first.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use crate::given::Given;
use crate::layout::{Layout, Values};
use crate::secret_file::{FILE, secret_of};
use crate::service_links::is_service_link;
use crate::unknown_key;

/// Values that override the defaults, in this order.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Paths of TOML files. A later one overrides an earlier one.
    pub files: Vec<PathBuf>,
    /// Environment variables. Those without the service's prefix are ignored, and so is the one with the names of the
    /// files, and those that Kubernetes and Docker set for a service of the same name.
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

/// Settings that were read and checked.
#[derive(Clone, Debug)]
pub struct Loaded<C> {
    /// The deserialized settings.
    pub settings: C,
    /// The same values as they were read: those of every source over the defaults. They contain the secrets.
    pub values: Values,
}

/// A value of one source.
struct Entry {
    /// Description of the source, for messages.
    source: String,
    key: String,
    given: Given,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.key, self.message)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the configuration is not valid:")?;
        self.0.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}

impl Sources {
    /// Returns files, the environment of the process, and flags.
    #[must_use]
    pub fn of_process(files: Vec<PathBuf>, flags: Vec<(String, String)>) -> Self {
        Self { files, environment: environment_of_process(), flags }
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
        let known: BTreeMap<String, Value> = leaves(&defaults.extract().unwrap_or_default()).into_iter().collect();
        let mut figment = defaults.clone();
        for Entry { source, key, given } in self.entries(layout, &known, &mut problems) {
            if !layout.is_open(&key) && !known.contains_key(&key) {
                let message = unknown_key::describe(&key, &source, layout, &known);
                problems.push(Problem { key, message });
                continue;
            }
            match accepted::<C>(&defaults, &key, given.readings(known.get(&key))) {
                Ok(value) => figment = figment.merge((key.as_str(), value)),
                Err(message) => problems.push(Problem { key, message: format!("{message} ({source})") }),
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

    /// Returns the values of all sources, those that override others last.
    fn entries(&self, layout: &Layout, known: &BTreeMap<String, Value>, problems: &mut Vec<Problem>) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut add = |source: Vec<Entry>, problems: &mut Vec<Problem>| {
            entries.extend(with_secret_files(source, layout, problems));
        };
        // Compose files often pass a variable on that is empty when it is not needed.
        for path in self.files.iter().filter(|path| !path.as_os_str().is_empty()) {
            match read(path) {
                Ok(dict) => {
                    let entry =
                        |(key, value)| Entry { source: path.display().to_string(), key, given: Given::Value(value) };
                    add(leaves(&dict).into_iter().map(entry).collect(), problems);
                }
                Err(message) => problems.push(Problem { key: path.display().to_string(), message }),
            }
        }
        let mut environment = Vec::new();
        for (name, text) in &self.environment {
            let Some(rest) = name.strip_prefix(layout.prefix).filter(|rest| *rest != "CONFIG") else { continue };
            let key = rest.to_lowercase().replace("__", ".");
            if known.contains_key(&key) || !is_service_link(rest, text) {
                let given = Given::Text(text.clone());
                environment.push(Entry { source: format!("environment: {name}"), key, given });
            }
        }
        add(environment, problems);
        let flag = |(key, text): &(String, String)| {
            let given = Given::Text(text.clone());
            Entry { source: "flag".to_owned(), key: key.clone(), given }
        };
        add(self.flags.iter().map(flag).collect(), problems);
        entries
    }
}

/// Replaces the paths of secrets by the secrets in these files.
fn with_secret_files(source: Vec<Entry>, layout: &Layout, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let (files, mut entries): (Vec<_>, Vec<_>) =
        source.into_iter().partition(|entry| secret_of(layout, &entry.key).is_some());
    let set: BTreeSet<String> =
        entries.iter().filter(|entry| !entry.given.is_empty()).map(|entry| entry.key.clone()).collect();
    for Entry { source, key: file_key, given } in files {
        let Some(key) = secret_of(layout, &file_key) else { continue };
        // Compose files often pass a variable on that is empty when it is not needed.
        if given.is_empty() {
            continue;
        }
        if set.contains(key) {
            let message = format!("set either {key} or {key}{FILE} ({source})");
            problems.push(Problem { key: file_key, message });
            continue;
        }
        match given.read_file() {
            Ok(secret) => entries.push(Entry { source, key: key.to_owned(), given: Given::Secret(secret) }),
            Err(message) => problems.push(Problem { key: file_key, message: format!("{message} ({source})") }),
        }
    }
    entries
}

/// Returns the first reading of a value that has the type of the key.
fn accepted<C: DeserializeOwned>(defaults: &Figment, key: &str, readings: Vec<Value>) -> Result<Value, String> {
    let mut refusal = None;
    for value in readings {
        match defaults.clone().merge((key, &value)).extract::<C>() {
            Ok(_) => return Ok(value),
            Err(error) => refusal = refusal.or_else(|| Some(describe(error.kind))),
        }
    }
    Err(refusal.unwrap_or_default())
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

fn leaves(dict: &Dict) -> Vec<(String, Value)> {
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
    found
}
