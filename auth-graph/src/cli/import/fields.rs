//! The columns of one row, which are found by any of their usual names. Each column that is not taken is reported.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Number, Value};

use super::mapping::{Mapping, Target, key};
use super::times;
use engine::transfer::{Refusal, Refused};

/// Below 2^53, each integer is a different floating-point number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The columns of one row that have a value.
pub(super) struct Fields {
    columns: Vec<Column>,
    /// Members of the metadata that the mapping makes of columns.
    pub(super) metadata: BTreeMap<String, Value>,
    pub(super) private_metadata: BTreeMap<String, Value>,
    /// Names of values that are left out, as they are not what they should be.
    pub(super) dropped: Vec<&'static str>,
}

struct Column {
    name: String,
    /// The name without separators, in lower case.
    key: String,
    value: Value,
    is_used: bool,
}

impl Fields {
    /// Takes the columns of a row that have a value. Columns that are mapped have precedence.
    pub(super) fn new(row: impl IntoIterator<Item = (String, Value)>, mapping: &Mapping) -> Self {
        let mut fields = Self {
            columns: Vec::new(),
            metadata: BTreeMap::new(),
            private_metadata: BTreeMap::new(),
            dropped: Vec::new(),
        };
        let mut mapped = Vec::new();
        for (name, value) in row {
            let Some(value) = trimmed(value) else { continue };
            match mapping.target(&name) {
                Some(Target::Value(target)) => {
                    mapped.push(Column { name, key: key(&target), value, is_used: false });
                }
                Some(Target::Metadata(member)) => drop(fields.metadata.insert(member, value)),
                Some(Target::PrivateMetadata(member)) => drop(fields.private_metadata.insert(member, value)),
                Some(Target::Ignored) => {}
                None => fields.columns.push(Column { key: key(&name), name, value, is_used: false }),
            }
        }
        mapped.append(&mut fields.columns);
        fields.columns = mapped;
        fields
    }

    /// Returns the text of the first of these names that has one, without taking it.
    pub(super) fn shown(&self, names: &[&str]) -> Option<String> {
        let values = names.iter().filter_map(|name| self.columns.iter().find(|column| column.key == *name));
        values.filter_map(|column| text(&column.value)).next()
    }

    /// Takes the value of the first of these names that the row has.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<Value> {
        let place = names.iter().find_map(|name| self.columns.iter().position(|column| column.key == *name))?;
        self.columns[place].is_used = true;
        Some(self.columns[place].value.clone())
    }

    /// Takes the value of the first of these names. The others say the same, and are taken too.
    pub(super) fn take_all(&mut self, names: &[&str]) -> Option<Value> {
        let found = self.take(names);
        for column in self.columns.iter_mut().filter(|column| names.contains(&column.key.as_str())) {
            column.is_used = true;
        }
        found
    }

    /// Takes a text. A number becomes its digits.
    pub(super) fn text(&mut self, names: &[&str], field: &'static str) -> Result<Option<String>, Refusal> {
        self.take(names).map(|value| text(&value).ok_or_else(|| Refused::InvalidValue.of(field))).transpose()
    }

    /// Takes a text that a user can be without. A number must have as many digits as a phone number (E.164).
    pub(super) fn digits(&mut self, names: &[&str], field: &'static str) -> Option<String> {
        let value = self.take(names)?;
        let fits = |number| (1_000_000..=999_999_999_999_999_i64).contains(&number);
        let kept = match &value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => integer(number).filter(|number| fits(*number)).map(|number| number.to_string()),
            _ => None,
        };
        if kept.is_none() {
            self.dropped.push(field);
        }
        kept
    }

    /// Takes a Boolean.
    pub(super) fn flag(&mut self, names: &[&str], field: &'static str) -> Result<Option<bool>, Refusal> {
        self.take(names).map(|value| flag(&value).ok_or_else(|| Refused::InvalidValue.of(field))).transpose()
    }

    /// Takes a time.
    pub(super) fn time(&mut self, names: &[&str], field: &'static str) -> Result<Option<DateTime<Utc>>, Refusal> {
        self.take_all(names).map(|value| times::time(&value).ok_or_else(|| Refused::InvalidValue.of(field))).transpose()
    }

    /// Takes an object, or its text in JSON.
    pub(super) fn object(
        &mut self,
        names: &[&str],
        field: &'static str,
    ) -> Result<Option<Map<String, Value>>, Refusal> {
        let object = |value| match value {
            Value::Object(members) => Ok(members),
            Value::String(text) => serde_json::from_str(&text).map_err(|_| Refused::InvalidMetadata.of(field)),
            _ => Err(Refused::InvalidMetadata.of(field)),
        };
        self.take(names).map(object).transpose()
    }

    /// Takes a list of texts: an array, or a text with blanks or commas between them.
    pub(super) fn list(&mut self, names: &[&str], field: &'static str) -> Result<Vec<String>, Refusal> {
        let separated =
            |text: &str| text.split([' ', ',', ';']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        match self.take(names) {
            None => Ok(Vec::new()),
            Some(Value::String(list)) if list.starts_with('[') => match serde_json::from_str::<Vec<String>>(&list) {
                Ok(list) => Ok(list),
                Err(_) => Err(Refused::InvalidValue.of(field)),
            },
            Some(Value::String(list)) => Ok(separated(&list)),
            Some(Value::Array(values)) => {
                values.iter().map(text).collect::<Option<_>>().ok_or_else(|| Refused::InvalidValue.of(field))
            }
            Some(_) => Err(Refused::InvalidValue.of(field)),
        }
    }

    /// Takes every column of these names, and returns whether the question is true of any of them.
    pub(super) fn any(&mut self, names: &[&str], question: impl Fn(&Value) -> bool) -> bool {
        let named = self.columns.iter_mut().filter(|column| names.contains(&column.key.as_str()));
        named.fold(false, |any, column| {
            column.is_used = true;
            any | question(&column.value)
        })
    }

    /// Returns the names of the columns that were not taken.
    pub(super) fn unused(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|column| !column.is_used).map(|column| column.name.as_str())
    }
}

/// Returns a value without blanks around it; `None` for one that is empty.
fn trimmed(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(Value::from),
        Value::Null => None,
        Value::Array(values) if values.is_empty() => None,
        Value::Object(members) if members.is_empty() => None,
        value => Some(value),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(integer(number).map_or_else(|| number.to_string(), |number| number.to_string())),
        // Extended JSON of MongoDB.
        Value::Object(members) if members.len() == 1 => text(members.get("$oid").or(members.get("$numberLong"))?),
        _ => None,
    }
}

/// Returns a number as an integer, if it is one. Some programs write `7.0` for 7.
pub(super) fn integer(number: &Number) -> Option<i64> {
    let whole = || number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < EXACT);
    number.as_i64().or_else(|| whole().map(|number| number as i64))
}

/// Returns whether a value says yes: it is a Boolean, or the time since when. Returns `None` if it is neither.
pub(super) fn says(value: &Value) -> Option<bool> {
    flag(value).or_else(|| times::time(value).map(|_| true))
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "t" | "yes" | "y" | "on" => Some(true),
            "false" | "0" | "f" | "no" | "n" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
