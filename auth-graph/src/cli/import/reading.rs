//! Reads one row of any source: its system's own form, the mapping, and what is left over.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::dump::Names;
use super::fields::Fields;
use super::mapping::{Mapping, key};
use super::notes::Notes;
use super::options::Format;
use super::shapes;
use super::systems::{self, HashConfig};
use engine::transfer::{Label, Record, Refusal, Refused, Row};

/// Names of the columns with the groups and the permissions of a user.
const GROUPS: &[&str] = &["groups"];
const PERMISSIONS: &[&str] = &["userpermissions", "permissions"];

/// What is known about the source, and what was not used of it.
pub(super) struct Reading {
    format: Format,
    /// Model of the users in a file of `dumpdata`, in lower case.
    model: String,
    mapping: Mapping,
    hash_config: Option<HashConfig>,
    now: DateTime<Utc>,
    /// Names of the groups and permissions of Django, by their keys.
    names: Names,
    absent: BTreeSet<String>,
    pub(super) notes: Notes,
}

impl Reading {
    pub(super) fn new(
        format: Format,
        model: &str,
        mapping: Mapping,
        hash_config: Option<HashConfig>,
        now: DateTime<Utc>,
    ) -> Self {
        let absent = mapping.columns().map(str::to_owned).collect();
        let (model, names) = (model.to_lowercase(), Names::default());
        Self { format, model, mapping, hash_config, now, names, absent, notes: Notes::default() }
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    pub(super) fn set_names(&mut self, names: Names) {
        self.names = names;
    }

    /// Reads a value of a JSON file. Returns `None` for a row of another model.
    pub(super) fn value(&mut self, line: u64, value: Option<Value>) -> Option<Row> {
        let Some(Value::Object(row)) = value else { return Some(malformed(line.to_string())) };
        let row = match self.format {
            Format::Django | Format::Easyjwt => match self.dumped(row)? {
                Ok(row) => row,
                Err(refusal) => return Some(refused(line.to_string(), refusal)),
            },
            Format::Auth0 => systems::auth0(row),
            Format::Keycloak => systems::keycloak(row),
            Format::Firebase => systems::firebase(row, self.hash_config.as_ref()),
            Format::Cognito => systems::cognito(row),
            Format::Supabase | Format::Devise | Format::Csv | Format::Json => row,
        };
        Some(self.row(line.to_string(), row))
    }

    /// Takes the row of `dumpdata` apart. Returns `None` if it is of another model.
    fn dumped(&mut self, mut row: Map<String, Value>) -> Option<Result<Map<String, Value>, Refusal>> {
        let Some(Value::String(model)) = row.get("model") else { return Some(Err(Refused::Malformed.of("model"))) };
        if model.to_lowercase() != self.model {
            self.notes.models.count(model);
            return None;
        }
        let Some(Value::Object(mut fields)) = row.remove("fields") else {
            return Some(Err(Refused::Malformed.of("fields")));
        };
        if let Some(id) = row.remove("pk").filter(|id| !id.is_null()) {
            fields.insert("id".to_owned(), id);
        }
        Some(Ok(fields))
    }

    /// Reads the columns of a row.
    pub(super) fn row(&mut self, place: String, row: Map<String, Value>) -> Row {
        self.absent.retain(|name| !row.keys().any(|column| column == name || key(column) == key(name)));
        let mut fields = Fields::new(row, &self.mapping);
        let label = label(place, &fields);
        self.notes.rows += 1;
        let record = self.record(&mut fields);
        if let Ok(record) = &record {
            self.notes.with_password += u64::from(record.password_hash.is_some());
            self.notes.disabled += u64::from(!record.is_active);
            self.notes.without_email += u64::from(record.address().is_empty());
            for field in &fields.dropped {
                self.notes.dropped.count(field);
            }
            for column in fields.unused() {
                self.notes.columns.count(column);
            }
        }
        Row { label, record }
    }

    fn record(&mut self, fields: &mut Fields) -> Result<Record, Refusal> {
        let mut record = shapes::person(fields, self.now)?;
        for (names, known) in [(GROUPS, &self.names.groups), (PERMISSIONS, &self.names.permissions)] {
            for name in named(fields.take(names), known) {
                match self.mapping.roles.get(&name) {
                    Some(roles) => {
                        let new = roles.iter().filter(|role| !record.roles.contains(role)).cloned().collect::<Vec<_>>();
                        record.roles.extend(new);
                    }
                    None => self.notes.groups.count(&name),
                }
            }
        }
        if self.format == Format::Auth0
            && let Some(id) = &record.id
        {
            record.metadata.insert("_auth0".to_owned(), json!({ "user_id": id }));
        }
        Ok(record)
    }

    /// Returns what was not used, at the end.
    pub(super) fn finish(mut self) -> Notes {
        if self.notes.rows > 0 {
            self.notes.absent = self.absent;
        }
        self.notes
    }
}

/// Builds a row that cannot be read.
pub(super) fn malformed(place: String) -> Row {
    refused(place, Refused::Malformed.into())
}

fn refused(place: String, refusal: Refusal) -> Row {
    Row { label: Label { place, ..Label::default() }, record: Err(refusal) }
}

/// Returns the names of a row for the report, without taking the columns. The user name stands in for a missing
/// address.
fn label(place: String, fields: &Fields) -> Label {
    let username = fields.shown(shapes::USERNAME);
    Label {
        place,
        identifier: fields.shown(shapes::ID).unwrap_or_default(),
        email: fields.shown(shapes::EMAIL).or(username).unwrap_or_default(),
    }
}

/// Returns the names of groups or permissions: texts, keys of Django, or natural keys of Django.
fn named(groups: Option<Value>, known: &HashMap<String, String>) -> Vec<String> {
    let groups = match groups {
        Some(Value::Array(groups)) => groups,
        Some(Value::String(list)) => list.split([',', ';']).map(|name| name.trim().into()).collect(),
        Some(Value::Number(key)) => vec![Value::Number(key)],
        _ => Vec::new(),
    };
    let name = |group: Value| match group {
        Value::String(name) => known.get(&name).cloned().unwrap_or(name),
        // The natural key of a permission: codename, application, model.
        Value::Array(parts) => match parts.iter().map(|part| part.as_str().unwrap_or_default()).collect::<Vec<_>>()[..]
        {
            [codename, application, _] => format!("{application}.{codename}"),
            [name] => name.to_owned(),
            _ => Value::Array(parts).to_string(),
        },
        value => known.get(&value.to_string()).cloned().unwrap_or_else(|| value.to_string()),
    };
    groups.into_iter().map(name).filter(|name| !name.is_empty()).collect()
}
