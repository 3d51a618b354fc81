//! Printing settings without their secrets.

use url::Url;

use crate::layout::{Layout, Values};

const HIDDEN: &str = "***";

/// Parameters of URLs whose values can be shown. Every other parameter may be a password.
const HARMLESS: [&str; 20] = [
    "application_name",
    "cache",
    "dbname",
    "host",
    "hostaddr",
    "immutable",
    "mode",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "tls",
    "user",
];

impl Layout {
    /// Returns values as TOML. Secrets, and passwords in URLs, are replaced by asterisks.
    #[must_use]
    pub fn to_toml(&self, values: &Values) -> String {
        let mut table = toml::Table::try_from(values).expect("values of TOML and of the environment are TOML");
        let defaults: toml::Table = self.defaults.parse().expect("the defaults are TOML");
        self.hide_in_table("", &mut table, &defaults);
        toml::to_string(&table).expect("a table is TOML")
    }

    fn hide_in_table(&self, prefix: &str, table: &mut toml::Table, defaults: &toml::Table) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match (value, defaults.get(name)) {
                (toml::Value::Table(inner), Some(toml::Value::Table(defaults))) => {
                    self.hide_in_table(&key, inner, defaults);
                }
                (value, default) if self.secrets.contains(&key.as_str()) && !is_url(&key) => {
                    // A list of secrets may be given as a single one.
                    if default.is_some_and(toml::Value::is_array) && value.is_str() {
                        *value = toml::Value::Array(vec![value.clone()]);
                    }
                    change_texts(value, &|text| if text.is_empty() { String::new() } else { HIDDEN.to_owned() });
                }
                (value, _) => change_texts(value, &without_secrets),
            }
        }
    }
}

/// Returns true for the key of a URL, which is shown without its secrets.
fn is_url(key: &str) -> bool {
    key.rsplit('.').next().is_some_and(|name| name == "url" || name.ends_with("_url"))
}

fn change_texts(value: &mut toml::Value, change: &impl Fn(&str) -> String) {
    match value {
        toml::Value::String(text) => *text = change(text),
        toml::Value::Array(items) => items.iter_mut().for_each(|item| change_texts(item, change)),
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, value)| change_texts(value, change)),
        _ => {}
    }
}

/// Replaces the password of a URL, and the values of its parameters unless they are known to be harmless.
fn without_secrets(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let is_secret = |name: &str| !HARMLESS.contains(&name);
    let parameters: Vec<_> = parsed.query_pairs().into_owned().collect();
    let among_parameters = parameters.iter().any(|(name, _)| is_secret(name));
    if parsed.password().is_none() && !among_parameters {
        return url.to_owned();
    }
    if parsed.password().is_some() && parsed.set_password(Some(HIDDEN)).is_err() {
        return HIDDEN.to_owned();
    }
    if among_parameters {
        let shown = parameters.iter().map(|(name, value)| (name, if is_secret(name) { HIDDEN } else { value }));
        parsed.query_pairs_mut().clear().extend_pairs(shown);
    }
    parsed.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_any_url_are_hidden() {
        for (url, shown) in [
            ("smtps://me:hunter2@mail.example.com", "smtps://me:***@mail.example.com"),
            ("smtp://me:hunter2@mail.example.com?tls=required", "smtp://me:***@mail.example.com?tls=required"),
            ("https://:hunter2@example.com/", "https://:***@example.com/"),
            ("https://example.com/hook?key=hunter2", "https://example.com/hook?key=***"),
            ("postgres://db/a?sslpassword=hunter2&sslmode=require", "postgres://db/a?sslpassword=***&sslmode=require"),
            ("postgres://db/a?pasword=hunter2", "postgres://db/a?pasword=***"),
            ("postgres://db/a?options=-c%20my.key%3Dhunter2", "postgres://db/a?options=***"),
            ("sqlite:///srv/auth.db?mode=ro", "sqlite:///srv/auth.db?mode=ro"),
            ("no URL", "no URL"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
