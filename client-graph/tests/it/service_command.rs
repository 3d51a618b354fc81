//! The binary of the client service, as an operator runs it.

use std::net::TcpListener;
use std::process::Command;

#[test]
fn an_unusable_setting_is_named_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, code, expected) in [
        (&["serve", "--bind", &address][..], 1, &[address.as_str(), "choose another port"][..]),
        (&["serve", "--bind", "127.0.0.1:0", "--data-dir", "file"], 1, &["file/client-graph.secret"]),
        (&["migrate", "--set", "database.url=sqlite:///nowhere/x.db"], 1, &["database.url", "unable to open"]),
        (&["serve", "--auth-url", "http://auth.example.com"], 2, &["must be https://", "allow_insecure_http"]),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_client-graph"));
        let refused = command.args(arguments).current_dir(folder.path()).env_clear().output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(expected.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
        assert_eq!(
            said.matches("must be https://").count(),
            usize::from(said.contains("https")),
            "reported once: {said}"
        );
    }
}

fn run(folder: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_client-graph"));
    let output = command.args(arguments).current_dir(folder).env_clear().output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_configuration_is_checked_and_printed() {
    let folder = tempfile::tempdir().unwrap();
    let production = ["--set", "profile=production"];
    assert_eq!(run(folder.path(), &["config", "check"]), (Some(0), "the configuration is good\n".to_owned()));
    let (code, text) = run(folder.path(), &[&["config", "check"], &production[..]].concat());
    assert!(code == Some(0) && text.contains("warning: database.url: "), "{text}");
    let (code, text) = run(folder.path(), &[&["config", "check", "--strict"], &production[..]].concat());
    assert!(code == Some(2) && text.contains("database.url: "), "{text}");
    let (_, text) = run(folder.path(), &["config", "print", "--set", "auth.audience=mine"]);
    assert!(text.contains("audience = \"mine\""), "{text}");
    let (_, text) = run(folder.path(), &["completions", "bash"]);
    assert!(text.contains("client-graph"), "{text}");
    let (code, _) = run(folder.path(), &["health", "--address", "127.0.0.1:1"]);
    assert_eq!(code, Some(1));
    let (code, text) = run(folder.path(), &["migrate", "--set", "database.url=postgres://db/app?sslpassword=hunter2"]);
    assert!(code == Some(2) && text.contains("unknown parameter") && !text.contains("hunter2"), "{text}");
}

#[test]
fn the_file_of_the_database_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (code, text) = run(folder.path(), &["migrate"]);
    assert!(code == Some(0) && text.starts_with("the database is up to date: "), "{text}");
    let mode = std::fs::metadata(data.join("client-graph.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
