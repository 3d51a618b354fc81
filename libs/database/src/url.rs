//! URLs of databases: the schemes and parameters that are accepted.
//!
//! The driver of PostgreSQL logs a parameter that it does not know together with its value, which can be a password.
//! Such a URL is therefore refused before the driver sees it.

use url::Url;

/// Parameters that the driver of PostgreSQL knows, in addition to `options[…]`.
const POSTGRES: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
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
    "user",
];

/// Parameters that the driver of SQLite knows.
const SQLITE: [&str; 4] = ["cache", "immutable", "mode", "vfs"];

/// Checks the scheme and the parameters of the URL of a database.
///
/// # Errors
/// The problem, for the operator who configured the URL. It contains no value.
pub fn check_url(url: &str) -> Result<(), String> {
    let known = match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") if url.contains("://") => &POSTGRES[..],
        Some("sqlite") => &SQLITE,
        _ => return Err("must start with postgres:// or sqlite:".to_owned()),
    };
    let parsed = Url::parse(url).map_err(|_| "is not a URL: a password must have its special characters as %XX")?;
    if parsed.fragment().is_some() {
        return Err("must have no fragment: write # as %23".to_owned());
    }
    for (name, value) in parsed.query_pairs() {
        let is_option = known.contains(&"options") && name.starts_with("options[");
        if !known.contains(&&*name) && !is_option {
            return Err(format!("has an unknown parameter{}; known are {}", shown(&name, &value), known.join(", ")));
        }
    }
    Ok(())
}

/// Returns the name of a parameter if it looks like one. A password with a question mark can be in its place.
fn shown(name: &str, value: &str) -> String {
    let is_name = name.len() <= 30 && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte));
    if is_name && !value.is_empty() { format!(" {name}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_parameters_are_accepted() {
        for url in [
            "postgres://me:hunter2@db/auth",
            "postgresql:///auth?host=/run/postgresql&user=me&password=hunter2",
            "postgres://db/auth?sslmode=verify-full&sslrootcert=/etc/ca.pem&application_name=auth",
            "postgres://db/auth?options=-csearch_path%3Dauth&options[statement_timeout]=5s",
            "sqlite:///srv/auth.db?mode=ro&cache=private",
            "sqlite::memory:",
            "sqlite:auth.db",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        for url in [
            "postgres://db/auth?sslpassword=hunter2",
            "postgres://db/auth?pasword=hunter2",
            "postgres://db/auth?Password=hunter2",
            "postgres://db/auth?sslmode=require&hunter2",
            "postgres://db/auth?hunter2@host",
            "postgres://db/auth?sslpassword&hunter2",
            "postgres://db/auth?connect_timeout=5",
            "postgres://db/auth#hunter2",
            "postgres://me:hunter2@db:port/auth",
            "sqlite:///srv/auth.db?password=hunter2",
            "mysql://me:hunter2@db/auth",
            "postgres:hunter2",
            "hunter2",
        ] {
            let reason = check_url(url).unwrap_err();
            assert!(!reason.contains("hunter2"), "{url}: {reason}");
        }
    }
}
