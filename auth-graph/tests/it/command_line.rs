//! The binary and its commands, as an operator runs them.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_auth-graph"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no password may have closed its standard input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_first_user_is_created_without_any_configuration() {
    let folder = TempDir::new().unwrap();
    let made = run(folder.path(), &["user", "create", "Root@Test.com", "--superuser"], "correct horse battery\n");
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).ends_with("root@test.com (active)\n"));
    assert!(!text(&made.stderr).contains("correct horse"));
    let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data/secret"), 0o600);
    assert_eq!(mode("data"), 0o700);

    let again = run(folder.path(), &["user", "create", "root@test.com"], "correct horse battery\n");
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("taken"));
    let alone = run(folder.path(), &["user", "disable", "root@test.com"], "");
    assert!(text(&alone.stderr).contains("At least one active superuser must remain"));
    run(folder.path(), &["user", "create", "second@test.com", "--superuser"], "correct horse battery\n");
    let disabled = run(folder.path(), &["user", "disable", "root@test.com"], "");
    assert!(text(&disabled.stdout).ends_with("(disabled)\n"));
    let enabled = run(folder.path(), &["user", "enable", "root@test.com"], "");
    assert!(text(&enabled.stdout).ends_with("(active)\n"));
    let nobody = run(folder.path(), &["user", "disable", "nobody@test.com"], "");
    assert_eq!(nobody.status.code(), Some(1));
}

#[test]
fn weak_passwords_and_invalid_addresses_are_rejected() {
    let folder = TempDir::new().unwrap();
    for (email, password) in
        [("ada@test.com", "short"), ("ada@test.com", "user-pass"), ("ada", "correct horse battery")]
    {
        let refused = run(folder.path(), &["user", "create", email], password);
        assert_eq!(refused.status.code(), Some(1), "{email} {password}");
    }
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let folder = TempDir::new().unwrap();
    assert!(run(folder.path(), &["migrate"], "").status.success());
    let path = folder.path().join("data/secret");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = run(folder.path(), &["migrate"], "");
    assert!(text(&refused.stderr).contains("others can read the file"), "{}", text(&refused.stderr));
}

#[test]
fn the_configuration_is_checked_and_printed() {
    let folder = TempDir::new().unwrap();
    assert!(run(folder.path(), &["config", "check"], "").status.success());
    let bad = ["config", "check", "--set", "server.bind=0.0.0.0:1", "--set", "nonsense=1"];
    let wrong = run(folder.path(), &bad, "");
    assert_eq!(wrong.status.code(), Some(2));
    let problems = text(&wrong.stderr);
    assert!(problems.contains("nonsense: unknown key") && problems.contains("server.public_url"), "{problems}");
    let printed = run(folder.path(), &["config", "print", "--set", "tokens.audience=mine"], "");
    assert!(text(&printed.stdout).contains("audience = \"mine\""));
}

#[test]
fn a_public_bind_address_requires_a_public_url() {
    let folder = TempDir::new().unwrap();
    let refused = run(folder.path(), &["serve", "--bind", "0.0.0.0:0"], "");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("server.public_url"));
}

#[test]
fn migrations_are_reverted_and_run_again() {
    let folder = TempDir::new().unwrap();
    let migrate = |arguments: &[&str]| text(&run(folder.path(), &[&["migrate"], arguments].concat(), "").stdout);
    assert!(migrate(&[]).contains("the database is up to date: "));
    assert_eq!(migrate(&[]), "the database is up to date\n");
    let down = migrate(&["--down", "2", "--yes"]);
    assert_eq!(down.matches(" was reverted\n").count(), 2, "{down}");
    let up = migrate(&[]);
    assert_eq!(up.matches(" was run\n").count(), 2, "{up}");
}

#[test]
fn the_schema_is_printed_as_it_is_committed() {
    let folder = TempDir::new().unwrap();
    for (arguments, committed) in [
        (&["schema"][..], include_str!("../../../schema/auth.graphql")),
        (&["schema", "--federation"], include_str!("../../../schema/auth.subgraph.graphql")),
        (&["schema", "--federation", "--part", "core"], include_str!("../../../schema/auth.subgraph.core.graphql")),
        (&["schema", "--federation", "--part", "account"], include_str!("../../../schema/auth.subgraph.graphql")),
        (&["schema", "--federation", "--part", "full"], include_str!("../../../schema/auth.subgraph.full.graphql")),
        (&["schema", "--federation", "--without-access"], include_str!("../../../schema/auth.subgraph.plain.graphql")),
    ] {
        let printed = run(folder.path(), arguments, "");
        assert!(printed.status.success() && text(&printed.stdout) == committed, "{arguments:?}: run `make schema`");
    }
    assert_eq!(run(folder.path(), &["schema", "--without-access"], "").status.code(), Some(2));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}

#[test]
fn a_closed_pipe_is_no_failure_and_a_full_disk_is_reported() {
    let folder = TempDir::new().unwrap();
    let printing = |arguments: &[&str], output: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auth-graph"));
        command.args(arguments).current_dir(folder.path()).env_clear().stdin(Stdio::null()).stdout(output);
        command.output().unwrap()
    };
    for arguments in [&["schema"][..], &["config", "print"], &["keys", "list"], &["audit", "export"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let left = printing(arguments, writer.into());
        assert!(left.status.success() && !text(&left.stderr).contains("pipe"), "{arguments:?}: {}", text(&left.stderr));
    }
    let full = printing(&["schema"], std::fs::File::options().write(true).open("/dev/full").unwrap().into());
    assert_eq!(full.status.code(), Some(1));
    assert!(text(&full.stderr).starts_with("auth-graph: No space left"), "{}", text(&full.stderr));
}

#[test]
fn the_service_prints_where_its_data_is() {
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_auth-graph"))
        .args(["serve", "--bind", "127.0.0.1:0", "--data-dir", "here"])
        .current_dir(folder.path())
        .env_clear()
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = BufReader::new(child.stderr.take().unwrap()).lines().next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first.contains("stored here") && first.ends_with("folder=here"), "{first}");
}

#[test]
fn an_error_names_its_cause_and_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    std::fs::write(folder.join("file"), "").unwrap();
    for (arguments, expected) in [
        (&["serve", "--bind", &address][..], &[address.as_str(), "choose another port"][..]),
        (&["serve", "--bind", "127.0.0.1:0", "--data-dir", "file"], &["file/secret"]),
        (&["migrate", "--set", "database.url=sqlite:///nowhere/x.db"], &["database.url", "unable to open"]),
        (&["export", "file"], &["file: File exists"]),
        (&["user", "show", "7"], &["an e-mail address or an identifier"]),
        (&["user", "invite", "ada@test.com"], &["accounts.registration"]),
        (&["audit", "export", "--from", "yesterday"], &["2026-01-31T12:00:00Z"]),
    ] {
        let refused = run(folder, arguments, "");
        let said = text(&refused.stderr);
        assert!(!refused.status.success() && !said.contains("our side"), "{arguments:?}: {said}");
        assert!(expected.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    }
}

#[test]
fn variables_of_other_programs_may_be_invalid_unicode() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-graph"));
    let checked = command.args(["config", "check"]).env("OTHER", OsStr::from_bytes(b"\xff")).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}

/// One of 64 identifiers of keys and of cursors begins with a hyphen.
#[test]
fn an_identifier_that_begins_with_a_hyphen_is_not_an_option() {
    let folder = tempfile::TempDir::new().unwrap();
    let cursor = "-CCJbdQQoa";
    for command in [
        &["keys", "retire", "-CCJbdQQo-nCjG3d"][..],
        &["user", "list", "--after", cursor],
        &["audit", "list", "--after", cursor],
        &["webhook", "deliveries", "--after", cursor],
    ] {
        let output = run(folder.path(), command, "");
        let message = text(&output.stderr);
        assert!(!message.contains("unexpected argument"), "{command:?}: {message}");
    }
}
