//! Where values come from: the defaults, then a file, then the environment, then flags.
//!
//! Every value is tried on its own over the defaults, so that one run reports every wrong key and not just the first.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

use super::{Config, DEFAULTS};

const PREFIX: &str = "CLIENT_GRAPH_";

/// What is laid over the defaults, in this order.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Variables of the environment; those without our prefix are ignored.
    pub environment: Vec<(String, String)>,
    /// Dotted keys and values, from flags.
    pub flags: Vec<(String, String)>,
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key.
    pub key: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Everything that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the configuration is wrong:")?;
        for Problem { key, message } in &self.0 {
            write!(formatter, "\n  {key}: {message}")?;
        }
        Ok(())
    }
}

impl Sources {
    /// A file, the environment of the process, and these flags.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        Self { file, environment: std::env::vars().collect(), flags }
    }

    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// [`Problems`], all of them: unknown keys, values of the wrong kind, and broken rules.
    pub fn load(&self) -> Result<Config, Problems> {
        let mut problems = Vec::new();
        let known: BTreeSet<String> = leaves(&defaults().extract().unwrap_or_default()).map(|(key, _)| key).collect();
        let mut figment = defaults();
        for (source, key, value) in self.values(&mut problems) {
            let single = defaults().merge((key.as_str(), &value));
            if !known.contains(&key) {
                problems.push(Problem { key, message: format!("unknown key ({source})") });
            } else if let Err(error) = single.extract::<Config>() {
                // Only the kind of what was expected: the value can be a secret.
                problems.push(Problem { key, message: format!("{} ({source})", expected(&error)) });
            } else {
                figment = figment.merge((key.as_str(), value));
            }
        }
        match figment.extract::<Config>() {
            Ok(config) => problems.extend(config.check()),
            Err(error) => problems.push(Problem { key: error.path.join("."), message: expected(&error) }),
        }
        match figment.extract() {
            Ok(config) if problems.is_empty() => Ok(config),
            _ => Err(Problems(problems)),
        }
    }

    fn values(&self, problems: &mut Vec<Problem>) -> Vec<(String, String, Value)> {
        let mut values = Vec::new();
        if let Some(path) = &self.file {
            match read(path) {
                Ok(dict) => values.extend(leaves(&dict).map(|(key, value)| (path.display().to_string(), key, value))),
                Err(message) => problems.push(Problem { key: path.display().to_string(), message }),
            }
        }
        for (name, text) in &self.environment {
            let Some(key) = name.strip_prefix(PREFIX).filter(|key| *key != "CONFIG") else { continue };
            values.push((format!("environment: {name}"), key.to_lowercase().replace("__", "."), parse(text)));
        }
        values.extend(self.flags.iter().map(|(key, text)| ("flag".to_owned(), key.clone(), parse(text))));
        values
    }
}

fn expected(error: &figment::Error) -> String {
    match &error.kind {
        figment::error::Kind::InvalidType(_, expected) => format!("must be {expected}"),
        figment::error::Kind::UnknownVariant(_, expected) => format!("must be one of {}", expected.join(", ")),
        figment::error::Kind::InvalidValue(_, expected) => format!("must be {expected}"),
        other => other.to_string(),
    }
}

fn defaults() -> Figment {
    Figment::from(Toml::string(DEFAULTS))
}

fn read(path: &Path) -> Result<Dict, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    Figment::from(Toml::string(&text)).extract().map_err(|error| error.kind.to_string())
}

/// Reads a value as figment's environment provider does: numbers, booleans and lists are recognised.
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
