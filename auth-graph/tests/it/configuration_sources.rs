//! The environment, flags and files of the configuration, as containers pass them.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use model::config::{Config, Problems, Sources};
use secrecy::ExposeSecret;
use tempfile::TempDir;

const SECRET: &str = "7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=";
const OTHER: &str = "K1t0Xo8mG3vZq6LwRj9sYc2bNfHe5uDpAiWx7kTQ4Vg=";

fn from_environment(variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load(&Sources { environment, ..Sources::default() })
}

fn from_flags(flags: &[(&str, &str)]) -> Result<Config, Problems> {
    let flags = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Config::load(&Sources { flags, ..Sources::default() })
}

/// Writes a file as Kubernetes mounts a secret: readable by others, behind a symbolic link.
fn mounted(folder: &Path, name: &str, content: &str) -> String {
    let (file, link) = (folder.join(format!("..{name}")), folder.join(name));
    std::fs::write(&file, content).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    symlink(&file, &link).unwrap();
    link.display().to_string()
}

#[test]
fn variables_of_a_kubernetes_service_of_the_same_name_are_ignored() {
    from_environment(&[
        ("AUTH_GRAPH_SERVICE_HOST", "10.0.0.1"),
        ("AUTH_GRAPH_SERVICE_PORT", "8000"),
        ("AUTH_GRAPH_SERVICE_PORT_HTTP", "8000"),
        ("AUTH_GRAPH_PORT", "tcp://10.0.0.1:8000"),
        ("AUTH_GRAPH_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("AUTH_GRAPH_PORT_8000_TCP_PROTO", "tcp"),
        ("AUTH_GRAPH_PORT_8000_TCP_PORT", "8000"),
        ("AUTH_GRAPH_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("AUTH_GRAPH_METRICS_SERVICE_HOST", "10.0.0.2"),
        ("AUTH_GRAPH_METRICS_PORT", "tcp://10.0.0.2:9000"),
        ("AUTH_GRAPH_NAME", "/web/auth-graph"),
        ("AUTH_GRAPH_ENV_PATH", "/bin"),
    ])
    .unwrap();
}

#[test]
fn an_unknown_key_is_reported_with_the_key_that_was_probably_meant() {
    for (variable, expected) in [
        ("AUTH_GRAPH_SERVER__BNID", "did you mean server.bind (AUTH_GRAPH_SERVER__BIND)?"),
        ("AUTH_GRAPH_SERVER_BIND", "did you mean server.bind (AUTH_GRAPH_SERVER__BIND)?"),
        ("AUTH_GRAPH_DATABASE_URL", "did you mean database.url (AUTH_GRAPH_DATABASE__URL)?"),
        ("AUTH_GRAPH_SMTP_URL", "did you mean mail.smtp_url (AUTH_GRAPH_MAIL__SMTP_URL)?"),
        ("AUTH_GRAPH_SECRETS_FILE", "did you mean secret_file (AUTH_GRAPH_SECRET_FILE)?"),
        ("AUTH_GRAPH_MAIL__FROM_FILE", "mail.from cannot be read from a file"),
        ("AUTH_GRAPH_PORT", "unknown key (environment: AUTH_GRAPH_PORT)"),
        ("AUTH_GRAPH_QUITE_SOMETHING_ELSE", "unknown key (environment: AUTH_GRAPH_QUITE_SOMETHING_ELSE)"),
    ] {
        let problems = from_environment(&[(variable, "x")]).unwrap_err().to_string();
        assert!(problems.contains(expected), "{variable}: {problems}");
    }
    let problems = from_flags(&[("server.bnid", "x")]).unwrap_err().to_string();
    assert!(problems.ends_with("server.bnid: unknown key (flag); did you mean server.bind?"), "{problems}");
}

#[test]
fn a_text_stays_a_text_if_it_looks_like_a_number_or_a_boolean() {
    for text in ["2024", "007", "1.50", "-1", "true", "false", "[shop]", "{shop}", "a,b", "1e3"] {
        let config = from_environment(&[("AUTH_GRAPH_MAIL__SERVICE_NAME", text)]).unwrap();
        assert_eq!(config.mail.service_name, text);
        assert_eq!(from_flags(&[("mail.service_name", text)]).unwrap().mail.service_name, text);
    }
    let config = from_environment(&[("AUTH_GRAPH_DATA_DIR", "2024"), ("AUTH_GRAPH_TOKENS__AUDIENCE", "7")]).unwrap();
    assert_eq!((config.data_dir.to_str(), config.tokens.audience.as_str()), (Some("2024"), "7"));
    // Other types are still checked.
    for (key, value) in [("rest.enabled", "2024"), ("passwords.queue", "many"), ("tokens.access_lifetime", "5")] {
        assert!(from_flags(&[(key, value)]).is_err(), "{key}");
    }
}

#[test]
fn a_list_is_written_with_commas_or_in_brackets() {
    for (text, expected) in [
        ("", &[][..]),
        ("[]", &[]),
        ("billing", &["billing"]),
        ("billing,shop", &["billing", "shop"]),
        (" billing , shop, ", &["billing", "shop"]),
        ("2024,7", &["2024", "7"]),
        ("[2024, true]", &["2024", "true"]),
        ("[\"billing\", \"shop\"]", &["billing", "shop"]),
    ] {
        let config = from_environment(&[("AUTH_GRAPH_TOKENS__FURTHER_AUDIENCES", text)]).unwrap();
        assert_eq!(config.tokens.further_audiences, expected, "{text}");
    }
    let config = from_flags(&[("roles.editor", "posts:read,posts:write"), ("roles.staff", "users:read")]).unwrap();
    assert_eq!(config.roles["editor"].to_strings(), ["posts:read", "posts:write"]);
    let config = from_flags(&[("server.trusted_proxies", "10.0.0.0/8,192.168.0.0/16")]).unwrap();
    assert_eq!(config.server.trusted_proxies.len(), 2);
}

#[test]
fn each_secret_can_be_read_from_a_mounted_file() {
    let folder = TempDir::new().unwrap();
    let hook = format!("whsec_{SECRET}");
    let files = [
        ("SECRET", format!("{SECRET}\n"), "secret = \"***\""),
        ("PREVIOUS_SECRETS", format!("{OTHER}\n\n{OTHER}\r\n"), "previous_secrets = [\"***\", \"***\"]"),
        ("DATABASE__URL", "postgres://me:hunter2@db/auth\n".to_owned(), "url = \"postgres://me:***@db/auth\""),
        ("MAIL__SMTP_URL", "smtps://me:hunter2@mail.example.com".to_owned(), "smtps://me:***@mail.example.com"),
        ("CLAIMS__HOOK__SECRETS", format!("{hook}\n"), "secrets = [\"***\"]"),
    ];
    let variables: Vec<_> = files
        .iter()
        .map(|(name, content, _)| (format!("AUTH_GRAPH_{name}_FILE"), mounted(folder.path(), name, content)))
        .collect();
    let config = Config::load(&Sources { environment: variables, ..Sources::default() }).unwrap();
    for (_, _, shown) in &files {
        assert!(config.to_toml().contains(shown), "{shown} is not in:\n{}", config.to_toml());
    }
    assert!(!config.to_toml().contains("_file"));
    assert_eq!(config.secret.expose_secret(), SECRET);
    assert_eq!(config.database.url.expose_secret(), "postgres://me:hunter2@db/auth");
    // The same in a file of settings.
    let settings = folder.path().join("auth-graph.toml");
    let path = folder.path().join("SECRET").display().to_string();
    std::fs::write(&settings, format!("secret_file = {path:?}\n")).unwrap();
    let config = Config::load(&Sources { files: vec![settings], ..Sources::default() }).unwrap();
    assert_eq!(config.secret.expose_secret(), SECRET);
}

#[test]
fn a_file_that_holds_no_secret_is_reported_without_its_content() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing").display().to_string();
    for (path, expected) in [
        (mounted(folder.path(), "empty", "\n"), "is empty"),
        (mounted(folder.path(), "wrong", "hunter2\n"), "secret: "),
        (mounted(folder.path(), "large", &"hunter2".repeat(20_000)), "too large"),
        (missing, "No such file"),
        (folder.path().display().to_string(), "directory"),
    ] {
        let problems = from_environment(&[("AUTH_GRAPH_SECRET_FILE", &path)]).unwrap_err().to_string();
        assert!(problems.contains(expected) && !problems.contains("hunter2"), "{path}: {problems}");
    }
    let path = mounted(folder.path(), "good", SECRET);
    let both = from_environment(&[("AUTH_GRAPH_SECRET", OTHER), ("AUTH_GRAPH_SECRET_FILE", &path)]).unwrap_err();
    assert!(both.to_string().contains("either secret or secret_file"), "{both}");
    // Compose files pass variables on that are empty.
    let config = from_environment(&[("AUTH_GRAPH_SECRET", ""), ("AUTH_GRAPH_SECRET_FILE", &path)]).unwrap();
    assert_eq!(config.secret.expose_secret(), SECRET);
    from_environment(&[("AUTH_GRAPH_SECRET", SECRET), ("AUTH_GRAPH_SECRET_FILE", "")]).unwrap();
}

#[test]
fn of_several_files_a_later_one_overrides_an_earlier_one() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let files = vec![
        PathBuf::new(),
        write("base.toml", "[tokens]\naudience = \"base\"\naccess_lifetime = \"1m\"\n"),
        write("site.toml", "[tokens]\naudience = \"site\"\n"),
    ];
    let config = Config::load(&Sources { files, ..Sources::default() }).unwrap();
    assert_eq!((config.tokens.audience.as_str(), config.tokens.access_lifetime.num_seconds()), ("site", 60));
}
