//! Surveys a file of `dumpdata` before it is imported: which models it has, and the names of groups and permissions.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use serde_json::Value;

use super::Failure;
use super::lines::Lines;

/// Names of the groups and permissions of Django, by their keys. A permission is named as Django does it: application
/// and codename, with a dot between them.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) groups: HashMap<String, String>,
    pub(super) permissions: HashMap<String, String>,
}

/// Reads the whole file, and returns the names.
///
/// # Errors
/// When the file has no row of the chosen model, but rows of others. The error names those that look like users.
pub(super) fn survey(path: &Path, model: &str) -> Result<Names, Failure> {
    let mut lines = Lines::open(path, "").map_err(|error| Failure::at(path, &error))?;
    let (mut models, mut names) = (BTreeMap::<String, Model>::new(), Names::default());
    let (mut applications, mut codenames) = (HashMap::new(), Vec::new());
    while let Some((_, value)) = lines.next().map_err(|error| Failure::at(path, &error))? {
        let Some(row) = value else { continue };
        let Some(found) = row.get("model").and_then(Value::as_str).map(str::to_lowercase) else { continue };
        let field = |name: &str| row.get("fields").and_then(|fields| fields.get(name));
        let text = |name: &str| field(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = row.get("pk").map(written).unwrap_or_default();
        match found.as_str() {
            "auth.group" => drop(names.groups.insert(key, text("name"))),
            "auth.permission" => {
                codenames.push((key, text("codename"), field("content_type").map(written)));
            }
            "contenttypes.contenttype" => drop(applications.insert(key, text("app_label"))),
            _ => {}
        }
        let looks_like_a_user = field("password").is_some() && (field("email").or(field("username"))).is_some();
        let entry = models.entry(found).or_default();
        entry.rows += 1;
        entry.looks_like_users |= looks_like_a_user;
    }
    for (key, codename, kind) in codenames {
        let application = kind.and_then(|kind| applications.get(&kind));
        let name = application.map_or_else(|| codename.clone(), |application| format!("{application}.{codename}"));
        names.permissions.insert(key, name);
    }
    if models.is_empty() || models.contains_key(&model.to_lowercase()) {
        return Ok(names);
    }
    Err(Failure::at(path, &io::Error::new(io::ErrorKind::InvalidData, absent(model, &models))))
}

/// Returns a key as text.
fn written(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

#[derive(Default)]
struct Model {
    rows: u64,
    looks_like_users: bool,
}

/// Says that there is no row of a model, and which models there are.
fn absent(model: &str, models: &BTreeMap<String, Model>) -> String {
    let listed = |only_users: bool| {
        let models = models.iter().filter(|(_, model)| model.looks_like_users || !only_users);
        let models = models.map(|(name, model)| format!("{} ({})", name.escape_debug(), model.rows));
        models.collect::<Vec<_>>().join(", ")
    };
    match listed(true) {
        users if users.is_empty() => {
            format!(
                "the file has no row of the model {model}, but of: {}. Choose the users with --model",
                listed(false)
            )
        }
        users => format!(
            "the file has no row of the model {model}. These models look like users: {users}. Choose one with --model"
        ),
    }
}
