//! The configuration: the sources of values, and the values that are rejected.

use model::config::{Config, DEFAULTS, Problems, Sources};
use secrecy::ExposeSecret;
use tempfile::TempDir;

fn load(settings: &[(&str, &str)]) -> Result<Config, Problems> {
    let flags = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Config::load(&Sources { flags, ..Sources::default() })
}

/// Returns the keys that are rejected.
fn refused(settings: &[(&str, &str)]) -> Vec<String> {
    load(settings).unwrap_err().0.into_iter().map(|problem| problem.key).collect()
}

#[test]
fn the_defaults_are_valid_and_are_printed_as_they_are_written() {
    let config = load(&[]).unwrap();
    let printed: toml::Table = config.to_toml().parse().unwrap();
    let written: toml::Table = DEFAULTS.parse().unwrap();
    assert_eq!(printed, written);
}

#[test]
fn every_key_of_the_defaults_has_a_comment() {
    let mut before = "";
    for line in DEFAULTS.lines().filter(|line| !line.starts_with('[')) {
        // Keys that belong together share one.
        let begins = line.contains(" = ") && !line.starts_with('#') && before.is_empty();
        assert!(!begins, "{line}");
        before = line;
    }
}

#[test]
fn flags_override_the_environment_and_the_environment_overrides_the_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("auth-graph.toml");
    std::fs::write(
        &file,
        "[tokens]\naudience = \"file\"\naccess_lifetime = \"1m\"\n[server]\nbind = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let sources = Sources {
        files: vec![file],
        environment: vec![
            pair("AUTH_GRAPH_TOKENS__AUDIENCE", "environment"),
            pair("AUTH_GRAPH_SERVER__BIND", "127.0.0.1:2"),
            pair("AUTH_GRAPH_CONFIG", "ignored"),
            pair("PATH", "ignored"),
        ],
        flags: vec![pair("server.bind", "127.0.0.1:3")],
    };
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.tokens.access_lifetime.num_seconds(), 60);
    assert_eq!(config.tokens.audience, "environment");
    assert_eq!(config.server.bind.port(), 3);
}

#[test]
fn every_problem_is_reported_at_once() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("auth-graph.toml");
    std::fs::write(&file, "prfile = \"demo\"\n[tokens]\nalgorithm = \"none\"\n").unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let sources = Sources {
        files: vec![file],
        environment: vec![pair("AUTH_GRAPH_SERVER__BINDD", "x"), pair("AUTH_GRAPH_SERVER__BIND", "nowhere")],
        flags: vec![pair("passwords.iterations", "0"), pair("tokens.access_lifetime", "a while")],
    };
    let problems = Config::load(&sources).unwrap_err();
    let mut keys: Vec<_> = problems.0.iter().map(|problem| problem.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let expected =
        ["passwords.iterations", "prfile", "server.bind", "server.bindd", "tokens.access_lifetime", "tokens.algorithm"];
    assert_eq!(keys, expected, "{problems}");
    let text = problems.to_string();
    assert!(text.contains("AUTH_GRAPH_SERVER__BIND") && text.contains("auth-graph.toml"), "{text}");
}

#[test]
fn a_message_describes_the_expected_value() {
    for (key, value, expected) in [
        ("tokens.access_lifetime", "5", "must be a duration, such as 15m"),
        ("server.bind", "localhost:8000", "must be an address and a port, such as 127.0.0.1:8000"),
        ("passwords.queue", "many", "must be a whole number"),
    ] {
        let problems = load(&[(key, value)]).unwrap_err().to_string();
        assert!(problems.contains(expected), "{problems}");
    }
}

#[test]
fn a_missing_or_broken_file_is_a_problem() {
    let folder = TempDir::new().unwrap();
    let missing = Sources { files: vec![folder.path().join("no.toml")], ..Sources::default() };
    assert!(Config::load(&missing).is_err());
    let broken = folder.path().join("broken.toml");
    std::fs::write(&broken, "[server\n").unwrap();
    assert!(Config::load(&Sources { files: vec![broken], ..Sources::default() }).is_err());
}

#[test]
fn weak_and_sample_secrets_are_refused() {
    for weak in [
        "changeme",
        "not base64 at all!",
        "c2hvcnQ=",
        // 32 zeros, one value; a sentence; "0123456789abcdef" twice.
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4=",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        // The bytes 0 to 31, 31 to 0, 1 to 32, and 0, 7, 14 and so on.
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
        "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
        "AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=",
        // A random pattern of 24 bytes, repeated; the example of RFC 7515.
        "7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN",
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==",
    ] {
        let problems = load(&[("secret", weak)]).unwrap_err();
        assert_eq!(problems.0[0].key, "secret", "{weak}");
        assert!(!problems.to_string().contains(weak), "{problems}");
    }
    let number = load(&[("secret", "31415926535")]).unwrap_err();
    assert_eq!(number.0[0].key, "secret");
    assert!(!number.to_string().contains("31415926535"), "{number}");
    load(&[("secret", "7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=")]).unwrap();
    let hook = ("claims.hook.secrets", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    assert_eq!(refused(&[hook]), ["claims.hook.secrets"]);
}

#[test]
fn a_public_address_requires_a_public_url() {
    assert_eq!(refused(&[("server.bind", "0.0.0.0:8000")]), ["server.public_url"]);
    let public = ("server.public_url", "https://auth.example.com");
    load(&[("server.bind", "0.0.0.0:8000"), public]).unwrap();
    for url in ["http://auth.example.com", "auth.example.com", "https://a:b@example.com", "https://example.com/?x=1"] {
        assert_eq!(refused(&[("server.public_url", url)]), ["server.public_url"], "{url}");
    }
    load(&[("server.public_url", "http://localhost:8000/auth/")]).unwrap();
}

#[test]
fn links_of_pages_and_mails_lead_to_safe_addresses() {
    for key in ["accounts.pages_url", "accounts.sign_in_url"] {
        for url in ["javascript:alert(1)", "http://app.example.com", "app.example.com", "https://a:b@example.com"] {
            assert_eq!(refused(&[(key, url)]), [key], "{url}");
        }
        load(&[(key, "http://localhost:5173/account")]).unwrap();
    }
    load(&[("accounts.sign_in_url", "https://app.example.com/?next=%2F#/login")]).unwrap();
}

#[test]
fn a_greeting_of_mail_servers_is_a_host_name() {
    for name in ["auth-graph example", "[192.0.2.7]", "192.0.2.7", "https://mail.example.com"] {
        let refused = refused(&[("mail.hello_name", name)]);
        assert_eq!(refused, ["mail.hello_name"], "{name}");
    }
    load(&[("mail.hello_name", "mail.example.com")]).unwrap();
}

#[test]
fn the_demo_stays_on_this_machine() {
    let public = ("server.public_url", "https://auth.example.com");
    assert_eq!(refused(&[("profile", "demo"), ("server.bind", "0.0.0.0:8000"), public]), ["profile"]);
    load(&[("profile", "demo")]).unwrap();
}

#[test]
fn each_broken_rule_is_reported() {
    for (key, value) in [
        ("server.idle_timeout", "500ms"),
        ("server.idle_timeout", "2h"),
        ("server.request_timeout", "10s"),
        ("server.request_timeout", "11m"),
        ("server.max_connections", "0"),
        ("server.max_connections_per_address", "0"),
        ("tokens.access_lifetime", "1s"),
        ("tokens.access_lifetime", "2h"),
        ("tokens.idle_lifetime", "1m"),
        ("tokens.session_lifetime", "1day"),
        ("tokens.session_lifetime", "10years"),
        ("tokens.sessions_per_user", "0"),
        ("tokens.key_rotation", "15m"),
        ("tokens.key_publish_lead", "1m"),
        ("tokens.audience", " "),
        ("tokens.further_audiences", "[\"\"]"),
        ("claims.user_id", "integer"),
        ("claims.max_bytes", "5000"),
        ("claims.policies", "[{audience = \"else\", claims = {a = \"email\"}}]"),
        ("claims.policies", "[{audience = \"graph\", claims = {sub = \"email\"}}]"),
        ("claims.policies", "[{audience = \"graph\", claims = {token_type = \"email\"}}]"),
        ("claims.policies", "[{audience = \"graph\", claims = {a = \"passwordHash\"}}]"),
        ("claims.policies", "[{audience = \"graph\", claims = {a = \"metadata.\"}}]"),
        ("claims.hook.timeout", "1m"),
        ("claims.hook.on_failure", "ignore"),
        ("claims.hook.secrets", "[\"whsec_c2hvcnQ=\"]"),
        ("claims.hook.url", "http://hook.example.com"),
        ("claims.hook.url", "https://user:password@hook.example.com"),
        ("claims.hook.url", "https://hook.example.com/?key=1"),
        ("passwords.nice", "-5"),
        ("passwords.breached_list", "/nowhere/list.txt"),
        ("mail.templates", "/nowhere"),
        ("passwords.queue", "0"),
        ("passwords.memory_kib", "64"),
        ("passwords.iterations", "1"),
        ("database.url", "mysql://localhost"),
        ("database.url", "postgres://me:hunter2@db:port/auth"),
        ("database.max_connections", "0"),
        ("limits.account_attempts", "0"),
        ("limits.account_failures", "0"),
        ("limits.account_interval", "9000y"),
        ("limits.network_attempts", "4000000000"),
        ("limits.network_interval", "0s"),
        ("limits.mail_burst", "2000000"),
        ("limits.mail_interval", "31d"),
        ("limits.write_burst", "0"),
        ("limits.write_interval", "31d"),
        ("tokens.key_rotation", "290000y"),
        ("tokens.idle_lifetime", "500000000y"),
        ("audit.retention", "500000000y"),
        ("server.shutdown_grace", "2h"),
        ("server.allowed_origins", "[\"https://app.example.com/\"]"),
        ("server.allowed_origins", "[\"capacitor://localhost/\"]"),
        ("server.allowed_origins", "[\"https://*.example.com\"]"),
        ("server.allowed_origins", "[\"null\"]"),
        ("server.trusted_proxies", "[\"everybody\"]"),
        ("server.trusted_proxies", "[\"10.0.0.1:80\"]"),
        ("server.max_anonymous_sockets_per_address", "0"),
        ("server.anonymous_socket_idle", "0s"),
        ("webhooks.allowed_networks", "[\"everybody\"]"),
        ("roles.staff", "[\"two words\"]"),
        ("log.filter", "a=b=c"),
    ] {
        let problems = load(&[(key, value)]).unwrap_err();
        assert!(problems.0.iter().any(|problem| problem.key == key), "{key} = {value}");
        assert!(!problems.to_string().contains("hunter2"), "{problems}");
    }
}

#[test]
fn an_address_alone_is_a_network_and_apps_have_origins() {
    let config = load(&[
        ("server.trusted_proxies", "[\"10.0.0.1\", \"2001:db8::1\", \"192.0.2.0/24\"]"),
        ("webhooks.allowed_networks", "[\"10.0.0.7\"]"),
        (
            "server.allowed_origins",
            "[\"capacitor://localhost\", \"tauri://localhost\", \"chrome-extension://abcdefghijklmnopabcdefghijklmnop\"]",
        ),
    ])
    .unwrap();
    let networks = config.server.trusted_proxies.iter().chain(&config.webhooks.allowed_networks);
    let networks: Vec<String> = networks.map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.1/32", "2001:db8::1/128", "192.0.2.0/24", "10.0.0.7/32"]);
    assert!(config.allows_origin("tauri://localhost"));
}

#[test]
fn a_cookie_is_shared_within_a_parent_domain_only_over_https() {
    let url = ("server.public_url", "https://auth.example.com");
    load(&[url, ("cookies.domain", "example.com"), ("cookies.same_site", "Lax")]).unwrap();
    load(&[url, ("cookies.domain", "auth.example.com")]).unwrap();
    for domain in
        ["com", ".example.com", "example.org", "ample.com", "login.auth.example.com", "Example.com", "a b.com"]
    {
        assert_eq!(refused(&[url, ("cookies.domain", domain)])[0], "cookies.domain", "{domain}");
    }
    for url in ["", "http://auth.example.localhost", "https://192.0.2.1"] {
        let domain = if url.contains("192") { "0.2.1" } else { "example.localhost" };
        let settings = [("server.public_url", url), ("cookies.domain", domain)];
        assert_eq!(refused(&settings)[0], "cookies.domain", "{url}");
    }
    assert!(load(&[("cookies.same_site", "None")]).is_err());
}

#[test]
fn claims_are_printed_and_the_secret_of_the_hook_is_not() {
    let policies = r#"[{ audience = "graph", claims = { email = "email", plan = "metadata._billing.plan" } }]"#;
    let secret = "whsec_7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=";
    let url = "http://localhost:9000/claims";
    let hook = [("claims.hook.url", url), ("claims.hook.secrets", secret)];
    let config = load(&[&[("claims.policies", policies)], &hook[..]].concat()).unwrap();
    let printed = config.to_toml();
    let claims = &printed.parse::<toml::Table>().unwrap()["claims"];
    assert_eq!(claims["policies"], format!("p = {policies}").parse::<toml::Table>().unwrap()["p"]);
    assert_eq!(claims["hook"]["secrets"][0].as_str(), Some("***"));
    assert!(!format!("{config:?}{printed}").contains(secret));
    assert_eq!(refused(&hook[..1]), ["claims.hook.secrets"]);
}

#[test]
fn printing_hides_secrets() {
    let secret = "7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=";
    let config = load(&[("secret", secret), ("database.url", "postgres://me:hunter2@db/auth")]).unwrap();
    let printed = config.to_toml();
    assert!(printed.contains("secret = \"***\"") && printed.contains("postgres://me:***@db/auth"), "{printed}");
    assert!(!printed.contains(secret) && !printed.contains("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.database.url.expose_secret(), "postgres://me:hunter2@db/auth");
    for (url, shown) in [
        ("postgres://db/auth?user=me&password=hunter2", "postgres://db/auth?user=me&password=***"),
        (
            "postgres://me:hunter2@db/auth?p%61ssword=hunter2&sslmode=require",
            "postgres://me:***@db/auth?password=***&sslmode=require",
        ),
        ("sqlite:///srv/auth.db?mode=ro", "sqlite:///srv/auth.db?mode=ro"),
    ] {
        let config = load(&[("database.url", url)]).unwrap();
        let printed = config.to_toml();
        assert!(printed.contains(&format!("url = \"{shown}\"")), "{printed}");
    }
}

#[test]
fn every_secret_is_hidden_independent_of_its_source() {
    let [first, second] =
        ["7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=", "K1t0Xo8mG3vZq6LwRj9sYc2bNfHe5uDpAiWx7kTQ4Vg="];
    let hook =
        ["whsec_7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=", "whsec_K1t0Xo8mG3vZq6LwRj9sYc2bNfHe5uDpAiWx7kTQ4Vg="];
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("auth-graph.toml");
    std::fs::write(&file, format!("[claims.hook]\nurl = \"https://hook.example.com\"\nsecrets = {hook:?}\n")).unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let sources = Sources {
        files: vec![file],
        environment: vec![
            pair("AUTH_GRAPH_SECRET", first),
            pair("AUTH_GRAPH_MAIL__SMTP_URL", "smtps://me:hunter2@mail.example.com"),
        ],
        flags: vec![pair("previous_secrets", second), pair("database.url", "postgres://me:hunter2@db/auth")],
    };
    let config = Config::load(&sources).unwrap();
    let printed = config.to_toml();
    for secret in [&[first, second, "hunter2"][..], &hook[..]].concat() {
        assert!(!printed.contains(secret), "{printed}");
    }
    let table: toml::Table = printed.parse().unwrap();
    assert_eq!(table["previous_secrets"].as_array().unwrap().len(), 1);
    assert_eq!(table["claims"]["hook"]["secrets"].as_array().unwrap().len(), 2);
    assert_eq!(table["mail"]["smtp_url"].as_str(), Some("smtps://me:***@mail.example.com"));
}

#[test]
fn fields_of_accounts_have_names_of_their_own_and_come_from_what_users_cannot_set() {
    let fields = |value: &str| refused(&[("rest.enabled", "true"), ("rest.user_fields", value)]);
    for name in ["id", "email", "is_superuser"] {
        assert_eq!(fields(&format!("{{{name}=\"metadata._x\"}}")), ["rest.user_fields"], "{name}");
    }
    for value in ["{a=\"password\"}", "{a=\"privateMetadata.x\"}", "{\"a b\"=\"roles\"}", "{\"\"=\"roles\"}", "{a=7}"] {
        assert_eq!(fields(value), ["rest.user_fields"], "{value}");
    }
    for source in ["metadata", "metadata.accessgroup", "metadata.x._y"] {
        assert_eq!(fields(&format!("{{accessgroup=\"{source}\"}}")), ["rest.user_fields.accessgroup"], "{source}");
    }
    assert_eq!(refused(&[("rest.user_fields", "{a=\"roles\"}")]), ["rest.user_fields"], "the paths are off");
    assert_eq!(refused(&[("rest.user_settable_fields", "[\"a\"]")]), ["rest.user_settable_fields"]);
    let old = |names: &'static str| ("rest.old_names", names);
    load(&[old("[\"django-auth-service\"]"), ("rest.user_fields", "{a=\"roles\"}")]).unwrap();
    assert_eq!(refused(&[old("[\"easyjwt\"]")]), ["rest.old_names"]);

    let on = ("rest.enabled", "true");
    load(&[on, ("rest.user_fields.accessgroup", "metadata._accessgroup"), ("rest.user_fields.groups", "roles")])
        .unwrap();
    let reserved = ("accounts.reserved_metadata", "[\"accessgroup\"]");
    load(&[on, ("rest.user_fields.accessgroup", "metadata.accessgroup"), reserved]).unwrap();
    let settable = ("rest.user_settable_fields", "[\"location\"]");
    load(&[on, ("rest.user_fields.location", "metadata.location"), settable]).unwrap();
}

#[test]
fn only_fields_that_say_how_a_user_is_shown_can_be_public() {
    let all = "displayName,pictureUrl,firstName,lastName,locale,metadata.nickname";
    assert!(!load(&[("users.public_fields", all)]).unwrap().users.public_fields.is_empty());
    assert!(load(&[]).unwrap().users.public_fields.is_empty());
    for field in ["email", "username", "phoneNumber", "roles", "scopes", "metadata", "metadata.", "isActive", "picture"]
    {
        let problems = load(&[("users.public_fields", field)]).unwrap_err().to_string();
        assert!(problems.contains("users.public_fields") && problems.contains("cannot be public"), "{problems}");
    }
}
