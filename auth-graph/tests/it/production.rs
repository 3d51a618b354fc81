//! What a production configuration refuses, and what it warns of.

use std::os::unix::fs::PermissionsExt;

use model::config::{Config, Problems, Sources};
use tempfile::TempDir;

const SECRET: (&str, &str) = ("secret", "7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=");
const POSTGRES: (&str, &str) = ("database.url", "postgres://me@db/auth");
const URL: (&str, &str) = ("server.public_url", "https://auth.example.com");
const PROXIES: (&str, &str) = ("server.trusted_proxies", "10.0.0.0/8");
const SMTP: (&str, &str) = ("mail.smtp_url", "smtps://me:hunter2@mail.example.com");
const SENDER: (&str, &str) = ("mail.from", "Shop <no-reply@example.com>");

fn load(settings: &[(&str, &str)]) -> Result<Config, Problems> {
    let flags = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Config::load(&Sources { flags, ..Sources::default() })
}

fn production(settings: &[(&str, &str)]) -> Result<Config, Problems> {
    load(&[&[("profile", "production")], settings].concat())
}

#[test]
fn a_configuration_that_loses_data_or_mails_is_refused() {
    for (settings, key) in [
        (&[POSTGRES, URL][..], "secret"),
        (&[SECRET, POSTGRES, URL, SMTP], "mail.from"),
        (&[SMTP, ("mail.from", "Shop <no-reply@shop.localhost>")], "mail.from"),
        (&[SECRET, POSTGRES, ("server.bind", "0.0.0.0:8000")], "server.public_url"),
        (&[SECRET, POSTGRES, ("server.public_url", "http://auth.example.com")], "server.public_url"),
    ] {
        let problems = production(settings).unwrap_err();
        assert_eq!(problems.0.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(), [key], "{problems}");
    }
    load(&[POSTGRES, SMTP]).unwrap();
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let complete = [SECRET, POSTGRES, URL, PROXIES, SMTP, SENDER];
    let folder = TempDir::new().unwrap();
    let data = folder.path().display().to_string();
    let without = |key: &str| complete.iter().filter(|(other, _)| *other != key).copied().collect::<Vec<_>>();
    let keys = |settings: &[(&str, &str)]| {
        let config = production(&[settings, &[("data_dir", &data)]].concat()).unwrap();
        config.warnings().into_iter().map(|warning| warning.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(&complete), Vec::<String>::new());
    assert_eq!(keys(&without("server.trusted_proxies")), ["server.trusted_proxies"]);
    assert_eq!(keys(&without("mail.smtp_url")), ["mail.smtp_url"]);
    assert_eq!(keys(&without("server.public_url")), ["server.public_url"]);
    assert_eq!(keys(&without("database.url")), ["database.url"]);
    let local = [&without("server.public_url")[..], &[("server.public_url", "http://localhost:8000")]].concat();
    assert_eq!(keys(&local), ["server.public_url"]);
    let defaults = ["server.public_url", "database.url", "secret", "mail.smtp_url"];
    assert_eq!(keys(&[]), defaults);
}

#[test]
fn development_warns_only_where_others_reach_it_or_read_its_files() {
    let folder = TempDir::new().unwrap();
    let data = ("data_dir", folder.path().to_str().unwrap());
    assert_eq!(load(&[data]).unwrap().warnings(), []);
    assert_eq!(load(&[data, URL]).unwrap().warnings()[0].key, "profile");
    let path = folder.path().join("auth-graph.sqlite");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warning = &load(&[data]).unwrap().warnings()[0];
    assert!(warning.message.contains("auth-graph.sqlite") && warning.message.contains("600"), "{warning}");
}
