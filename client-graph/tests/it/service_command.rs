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
