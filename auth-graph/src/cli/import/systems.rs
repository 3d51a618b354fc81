//! Rows of systems that write users in a form of their own. Each one is converted to columns with usual names.

use serde_json::{Map, Value, json};

use super::Failure;
use super::options::Format;
use model::error::Error;

/// Returns the system that has written an object, if it is one that has a form of its own.
pub(super) fn recognise(value: &Value) -> Option<Format> {
    let has = |names: &[&str]| names.iter().all(|name| value.get(name).is_some());
    let is_auth0 = |id: &Value| id.as_str().is_some_and(|id| id.contains('|'));
    if has(&["model", "fields"]) {
        Some(Format::Django)
    } else if has(&["localId"]) {
        Some(Format::Firebase)
    } else if has(&["Username", "Attributes"]) {
        Some(Format::Cognito)
    } else if has(&["username", "createdTimestamp"]) || value.get("credentials").is_some_and(Value::is_array) {
        Some(Format::Keycloak)
    } else if value.get("user_id").is_some_and(is_auth0) || has(&["_id", "passwordHash"]) {
        Some(Format::Auth0)
    } else {
        None
    }
}

/// Sets the identifier of a row of Auth0. Its export of password hashes has another one than its export of users.
pub(super) fn auth0(mut row: Map<String, Value>) -> Map<String, Value> {
    let object_id = row.get("_id").and_then(|id| id.get("$oid")).and_then(Value::as_str).map(str::to_owned);
    if let Some(object_id) = object_id
        && !row.contains_key("user_id")
    {
        row.remove("_id");
        row.insert("user_id".to_owned(), format!("auth0|{object_id}").into());
    }
    row
}

/// Converts a user of Keycloak.
pub(super) fn keycloak(mut row: Map<String, Value>) -> Map<String, Value> {
    let credentials = row.remove("credentials").unwrap_or_default();
    let mut further = Vec::new();
    for credential in credentials.as_array().into_iter().flatten() {
        if credential.get("type").and_then(Value::as_str) == Some("password") {
            // A hash that cannot be read is refused as one of an unknown format.
            let hash = keycloak_hash(credential).unwrap_or_else(|| "a hash of Keycloak".to_owned());
            row.insert("password_hash".to_owned(), hash.into());
        } else {
            further.push(credential.clone());
        }
    }
    row.insert("credentials".to_owned(), further.into());
    if let Some(Value::Object(attributes)) = row.remove("attributes") {
        for (name, value) in attributes {
            let single = value.as_array().filter(|values| values.len() == 1).map(|values| values[0].clone());
            row.entry(name).or_insert(single.unwrap_or(value));
        }
    }
    // Groups are written as paths.
    let mut groups: Vec<Value> = Vec::new();
    for name in ["groups", "realmRoles"] {
        for group in row.remove(name).unwrap_or_default().as_array().into_iter().flatten() {
            groups.push(group.as_str().map_or_else(|| group.clone(), |group| group.trim_start_matches('/').into()));
        }
    }
    row.insert("groups".to_owned(), groups.into());
    row
}

fn keycloak_hash(credential: &Value) -> Option<String> {
    // Both are JSON in a text.
    let part = |name: &str| -> Option<Value> { serde_json::from_str(credential.get(name)?.as_str()?).ok() };
    let (secret, data) = (part("secretData")?, part("credentialData")?);
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let (hash, salt) = (text(&secret, "value")?, text(&secret, "salt")?);
    let rounds = data.get("hashIterations")?.as_u64()?;
    let parameter = |name: &str| {
        let value = data.get("additionalParameters")?.get(name)?;
        text(&json!({ "it": value.get(0).unwrap_or(value) }), "it")
    };
    match text(&data, "algorithm")?.as_str() {
        "pbkdf2" => Some(format!("$pbkdf2$i={rounds}${salt}${hash}")),
        algorithm @ ("pbkdf2-sha256" | "pbkdf2-sha512") => Some(format!("${algorithm}$i={rounds}${salt}${hash}")),
        "argon2" => {
            let version = if parameter("version").as_deref() == Some("1.0") { 16 } else { 19 };
            let (kind, memory, lanes) = (parameter("type")?, parameter("memory")?, parameter("parallelism")?);
            Some(format!("$argon2{kind}$v={version}$m={memory},t={rounds},p={lanes}${salt}${hash}"))
        }
        _ => None,
    }
}

/// Converts a user of AWS Cognito, as `list-users` writes them.
pub(super) fn cognito(mut row: Map<String, Value>) -> Map<String, Value> {
    for attribute in row.remove("Attributes").unwrap_or_default().as_array().into_iter().flatten() {
        if let (Some(name), Some(value)) = (attribute.get("Name").and_then(Value::as_str), attribute.get("Value")) {
            row.insert(name.to_owned(), value.clone());
        }
    }
    row
}

/// Converts a user of Firebase Authentication. The format of the hash names the parameters of the project.
pub(super) fn firebase(mut row: Map<String, Value>, config: Option<&HashConfig>) -> Map<String, Value> {
    if let (Some(Value::String(hash)), Some(Value::String(salt)), Some(config)) =
        (row.get("passwordHash"), row.get("salt"), config)
    {
        let hash = config.hash(salt, hash);
        row.insert("passwordHash".to_owned(), hash.into());
        row.remove("salt");
    }
    // Firebase knows one name.
    if let Some(name) = row.remove("displayName") {
        row.entry("firstName").or_insert(name);
    }
    if let Some(claims) = row.remove("customAttributes") {
        row.insert("appMetadata".to_owned(), claims);
    }
    row
}

/// Parameters of the hashes of a project of Firebase. It does not implement `Debug`, because the key is a secret.
pub(super) struct HashConfig {
    signer_key: String,
    salt_separator: String,
    rounds: String,
    mem_cost: String,
}

impl HashConfig {
    /// Reads the text that the console of Firebase shows: a name, a colon and a value in each line.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let value = |name: &'static str| -> Result<String, Failure> {
            let named = text.lines().filter_map(|line| line.split_once([':', '=']));
            let mut named = named.map(|(name, value)| {
                let quotes: &[_] = &['"', '\'', ',', ' ', '\t', '\r', '{', '}'];
                (name.trim_matches(quotes), value.trim_matches(quotes))
            });
            let found = named.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned());
            let message = "has no such line; the console of Firebase shows base64_signer_key, base64_salt_separator, \
                           rounds and mem_cost";
            found.filter(|value| !value.is_empty()).ok_or_else(|| Error::invalid(name, message).into())
        };
        Ok(Self {
            signer_key: value("base64_signer_key")?,
            salt_separator: value("base64_salt_separator")?,
            rounds: value("rounds")?,
            mem_cost: value("mem_cost")?,
        })
    }

    fn hash(&self, salt: &str, hash: &str) -> String {
        let Self { signer_key, salt_separator, rounds, mem_cost } = self;
        format!("$fbscrypt$v=1,n={mem_cost},r={rounds},p=1,ss={salt_separator},sk={signer_key}${salt}${hash}")
    }
}
