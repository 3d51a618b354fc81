//! The configuration of the client service.

use client_graph::service::config::{DEFAULTS, Profile};
use client_graph::service::{Config, Sources};
use secrecy::ExposeSecret;

fn load(flags: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Config, String> {
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let sources = Sources { files: Vec::new(), environment: owned(environment), flags: owned(flags) };
    Config::load(&sources).map_err(|problems| problems.to_string())
}

#[test]
fn the_defaults_are_valid() {
    let config = load(&[], &[]).unwrap();
    assert_eq!(config.server.bind.to_string(), "127.0.0.1:8001");
    assert_eq!((config.auth.url.as_str(), config.auth.audience.as_str()), ("http://127.0.0.1:8000", "graph"));
    assert_eq!(config.profile, Profile::Development);
}

#[test]
fn a_service_client_requires_a_secret() {
    let problem = load(&[("auth.client_id", "some-client")], &[]).unwrap_err();
    assert!(problem.contains("auth.client_secret"), "{problem}");
    let secret = ("CLIENT_GRAPH_AUTH__CLIENT_SECRET", "s3cret");
    assert!(load(&[("auth.client_id", "some-client")], &[secret]).is_ok());
}

#[test]
fn every_key_has_a_comment() {
    let mut before = "";
    for line in DEFAULTS.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(before.starts_with('#'), "{line}");
        }
        before = line;
    }
}

#[test]
fn later_sources_override_earlier_ones() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.toml");
    std::fs::write(&file, "[server]\nbind = \"127.0.0.1:1\"\n[auth]\naudience = \"file\"\n[log]\nfilter = \"warn\"\n")
        .unwrap();
    let sources = Sources {
        files: vec![file],
        environment: vec![
            ("CLIENT_GRAPH_SERVER__BIND".to_owned(), "127.0.0.1:2".to_owned()),
            ("CLIENT_GRAPH_AUTH__AUDIENCE".to_owned(), "environment".to_owned()),
            ("PATH".to_owned(), "/bin".to_owned()),
        ],
        flags: vec![("server.bind".to_owned(), "127.0.0.1:3".to_owned())],
    };
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.server.bind.port(), 3);
    assert_eq!((config.auth.audience.as_str(), config.log.filter.as_str()), ("environment", "warn"));
}

#[test]
fn all_problems_are_reported_at_once() {
    let message = load(
        &[
            ("server.bnd", "127.0.0.1:1"),
            ("profile", "live"),
            ("auth.url", "http://auth.example.com"),
            ("secret", "c2hvcnQ="),
            ("database.url", "mysql://x"),
        ],
        &[("CLIENT_GRAPH_DATABASE__MAX_CONNECTIONS", "many")],
    )
    .unwrap_err();
    for part in ["server.bnd: unknown key", "profile: ", "auth: ", "https://", "secret: is too short", "database.url: "]
    {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
    assert!(message.contains("database.max_connections: "), "{message}");
}

#[test]
fn the_limits_of_connections_have_bounds() {
    for (key, good, bad) in [
        ("server.idle_timeout", ["1s", "1h"], ["0s", "2h"]),
        ("server.request_timeout", ["11s", "10m"], ["10s", "11m"]),
        ("server.max_connections", ["1", "1000000"], ["0", "1000001"]),
        ("server.max_connections_per_address", ["1", "1000000"], ["0", "1000001"]),
        ("server.max_anonymous_sockets_per_address", ["1", "1000000"], ["0", "1000001"]),
        ("server.anonymous_socket_idle", ["1s", "1h"], ["0s", "2h"]),
        ("server.trusted_proxies", ["[\"10.0.0.1\"]", "[\"2001:db8::/32\"]"], ["[\"10.0.0.1:80\"]", "[\"proxy\"]"]),
        (
            "server.allowed_origins",
            ["[\"tauri://localhost\"]", "[\"https://app.example.com\"]"],
            ["[\"null\"]", "[\"https://app.example.com/\"]"],
        ),
    ] {
        for (values, is_good) in [(good, true), (bad, false)] {
            for value in values {
                assert_eq!(load(&[(key, value)], &[]).is_ok(), is_good, "{key} = {value}");
            }
        }
    }
}

#[test]
fn neither_errors_nor_debug_output_contain_a_secret() {
    let config = load(&[("database.url", "postgres://user:hunter2@db/app")], &[]).unwrap();
    assert_eq!(config.database.url.expose_secret(), "postgres://user:hunter2@db/app");
    assert!(!format!("{config:?}").contains("hunter2"));
    for url in ["mysql://user:hunter2@db/app", "postgres://user:hunter2@db:port/app"] {
        let message = load(&[("database.url", url), ("secret", "hunter2")], &[]).unwrap_err();
        assert!(message.contains("database.url") && !message.contains("hunter2"), "{message}");
    }
}

#[test]
fn variables_of_a_kubernetes_service_of_the_same_name_are_ignored() {
    let variables = [
        ("CLIENT_GRAPH_SERVICE_HOST", "10.0.0.1"),
        ("CLIENT_GRAPH_SERVICE_PORT", "8001"),
        ("CLIENT_GRAPH_SERVICE_PORT_HTTP", "8001"),
        ("CLIENT_GRAPH_PORT", "tcp://10.0.0.1:8001"),
        ("CLIENT_GRAPH_PORT_8001_TCP", "tcp://10.0.0.1:8001"),
        ("CLIENT_GRAPH_PORT_8001_TCP_PROTO", "tcp"),
        ("CLIENT_GRAPH_PORT_8001_TCP_PORT", "8001"),
        ("CLIENT_GRAPH_PORT_8001_TCP_ADDR", "10.0.0.1"),
    ];
    load(&[], &variables).unwrap();
    let problem = load(&[], &[("CLIENT_GRAPH_AUTH_URL", "https://auth.example.com")]).unwrap_err();
    assert!(problem.contains("did you mean auth.url (CLIENT_GRAPH_AUTH__URL)?"), "{problem}");
}

#[test]
fn each_secret_is_read_from_a_file_and_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let master = "7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=";
    let [secret, client, database] =
        [file("secret", master), file("client", "31415926\n"), file("database", "postgres://me:hunter2@db/app\n")];
    let variables = [
        ("CLIENT_GRAPH_SECRET_FILE", secret.as_str()),
        ("CLIENT_GRAPH_AUTH__CLIENT_ID", "2024"),
        ("CLIENT_GRAPH_AUTH__CLIENT_SECRET_FILE", &client),
        ("CLIENT_GRAPH_DATABASE__URL_FILE", &database),
    ];
    let config = load(&[], &variables).unwrap();
    assert_eq!(config.auth.client_secret.expose_secret(), "31415926");
    assert_eq!(config.database.url.expose_secret(), "postgres://me:hunter2@db/app");
    let printed = config.to_toml();
    for shown in ["secret = \"***\"", "client_secret = \"***\"", "postgres://me:***@db/app"] {
        assert!(printed.contains(shown), "{printed}");
    }
    assert!(!["hunter2", master, "31415926"].iter().any(|secret| printed.contains(secret)), "{printed}");
}

#[test]
fn production_warns_of_what_is_probably_not_meant() {
    let folder = tempfile::tempdir().unwrap();
    let data = ("data_dir", folder.path().to_str().unwrap());
    let keys = |settings: &[(&str, &str)]| {
        let config = load(&[&[data, ("profile", "production")], settings].concat(), &[]).unwrap();
        config.warnings().into_iter().map(|warning| warning.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(&[]), ["database.url", "auth.client_id"]);
    assert_eq!(keys(&[("database.url", "postgres://db/app")]), ["secret", "auth.client_id"]);
    assert_eq!(load(&[data], &[]).unwrap().warnings(), []);
}

#[test]
fn the_command_line_is_consistent() {
    use clap::CommandFactory;
    client_graph::service::cli::Cli::command().debug_assert();
}
