//! A value as a source gives it, and the ways to read it.

use figment::value::Value;

use crate::secret_file;

/// A value as a source gives it.
pub(crate) enum Given {
    /// A typed value of a TOML file.
    Value(Value),
    /// Text of an environment variable or of a flag.
    Text(String),
    /// Content of a file with a secret, which is taken as it is.
    Secret(String),
}

impl Given {
    /// Returns true for an empty text.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Value(value) => value.as_str().is_some_and(str::is_empty),
            Self::Text(text) | Self::Secret(text) => text.trim().is_empty(),
        }
    }

    /// Returns the secret in the file that the value names. The error contains the path and nothing of the content.
    pub(crate) fn read_file(&self) -> Result<String, String> {
        match self {
            Self::Value(value) => secret_file::read(value.as_str().ok_or("must be the path of a file")?),
            Self::Text(path) | Self::Secret(path) => secret_file::read(path.trim()),
        }
    }

    /// Returns the ways to read the value, the likeliest first. The first one that has the type of the key is meant:
    /// the text `2024` is a number for a number, and a text for a name.
    pub(crate) fn readings(self, default: Option<&Value>) -> Vec<Value> {
        let is_list = matches!(default, Some(Value::Array(..)));
        match self {
            Self::Value(value) => vec![value],
            Self::Secret(text) if is_list => {
                vec![text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().into()]
            }
            Self::Secret(text) => vec![text.into()],
            Self::Text(text) => match (is_list, parse(&text)) {
                (true, list @ Value::Array(..)) => vec![list, items(&text)],
                (true, _) => vec![items(&text)],
                (false, value) => vec![value, text.trim().into(), items(&text)],
            },
        }
    }
}

/// Parses a value as figment's environment provider does: numbers, booleans and lists are recognised.
fn parse(text: &str) -> Value {
    match text.parse() {
        Ok(value) => value,
        Err(infallible) => match infallible {},
    }
}

/// Returns the texts of a list that is written as `a,b` or `[a, b]`.
fn items(text: &str) -> Value {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let item = |item: &str| item.trim().trim_matches('"').to_owned();
    inner.split(',').map(item).filter(|item| !item.is_empty()).collect::<Vec<_>>().into()
}
