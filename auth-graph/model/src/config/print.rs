//! Printing the configuration without its secrets.

use settings::Values;
use url::Url;

/// Keys whose values are never shown. In addition every URL loses its password.
const SECRETS: [&str; 3] = ["secret", "previous_secrets", "claims.hook.secrets"];
const HIDDEN: &str = "***";

/// Returns these values as TOML. Secrets and passwords are replaced by asterisks.
pub(super) fn to_toml(values: &Values, defaults: &str) -> String {
    let mut table = toml::Table::try_from(values).expect("values of TOML and of the environment are TOML");
    let defaults: toml::Table = defaults.parse().expect("the defaults are TOML");
    hide_in_table("", &mut table, &defaults);
    toml::to_string(&table).expect("a table is TOML")
}

fn hide_in_table(prefix: &str, table: &mut toml::Table, defaults: &toml::Table) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match (value, defaults.get(name)) {
            (toml::Value::Table(inner), Some(toml::Value::Table(defaults))) => hide_in_table(&key, inner, defaults),
            (value, default) if SECRETS.contains(&key.as_str()) => {
                // A list of secrets may be given as a single one.
                if default.is_some_and(toml::Value::is_array) && value.is_str() {
                    *value = toml::Value::Array(vec![value.clone()]);
                }
                change_texts(value, &|text| if text.is_empty() { String::new() } else { HIDDEN.to_owned() });
            }
            (value, _) => change_texts(value, &without_password),
        }
    }
}

fn change_texts(value: &mut toml::Value, change: &impl Fn(&str) -> String) {
    match value {
        toml::Value::String(text) => *text = change(text),
        toml::Value::Array(items) => items.iter_mut().for_each(|item| change_texts(item, change)),
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, value)| change_texts(value, change)),
        _ => {}
    }
}

/// Replaces the password of a URL. PostgreSQL also accepts it as a parameter.
fn without_password(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let is_secret = |name: &str| name == "password";
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

    const SOURCES: [&str; 6] = [
        include_str!("../config.rs"),
        include_str!("accounts.rs"),
        include_str!("claims.rs"),
        include_str!("graphql.rs"),
        include_str!("tokens.rs"),
        include_str!("webhooks.rs"),
    ];

    #[test]
    fn every_secret_field_is_hidden_or_a_url() {
        let fields = SOURCES.iter().flat_map(|source| source.lines()).filter_map(|line| {
            let (name, of_type) = line.trim().strip_prefix("pub ")?.split_once(": ")?;
            of_type.contains("SecretString").then_some(name)
        });
        let mut count = 0;
        for name in fields {
            let is_hidden = SECRETS.iter().any(|key| key.rsplit('.').next() == Some(name));
            assert!(is_hidden || name == "url" || name.ends_with("_url"), "{name}: add its key to SECRETS");
            count += 1;
        }
        assert!(count >= 5, "{count}");
    }

    #[test]
    fn a_password_in_any_url_is_hidden() {
        for (url, shown) in [
            ("smtps://me:hunter2@mail.example.com", "smtps://me:***@mail.example.com"),
            ("https://:hunter2@example.com/", "https://:***@example.com/"),
            ("sqlite:///srv/auth.db?mode=ro", "sqlite:///srv/auth.db?mode=ro"),
            ("no URL", "no URL"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
