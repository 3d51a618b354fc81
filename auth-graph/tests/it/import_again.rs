//! Importing from the command line: messages about sources that cannot be read, and the import of users who were
//! rejected before.

use std::path::Path;

use tempfile::TempDir;

use crate::command_line::{run, text};

const USERS: &str = r#"{"number": 1, "email": "ada@test.com", "isActive": true}
{"number": 2, "email": "bob@test.com", "isActive": true, "passwordHash": "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99"}
"#;

fn imported(folder: &Path, options: &[&str]) -> String {
    let output = run(folder, &[&["import", "--from", "json", "users.jsonl"], options].concat(), "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().next().unwrap().to_owned()
}

#[test]
fn a_user_who_was_rejected_for_a_hash_can_be_imported_without_it_later() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("users.jsonl"), USERS).unwrap();
    assert_eq!(imported(folder, &[]), "1 imported, 1 refused");
    assert_eq!(imported(folder, &[]), "0 imported, 0 refused");
    let second = imported(folder, &["--unusable-hash", "drop", "--report", "second.csv"]);
    assert_eq!(second, "1 imported, 0 refused, 1 here already");
    assert!(!folder.join("second.csv").exists(), "there is nothing to report");
}

/// Rejected rows are not read again, so that their report must not be lost.
#[test]
fn nothing_is_imported_when_the_report_cannot_be_written() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("users.jsonl"), USERS).unwrap();
    let refused = run(folder, &["import", "--from", "json", "users.jsonl", "--report", "nowhere/report.csv"], "");
    assert!(text(&refused.stderr).contains("nowhere/report.csv"), "{}", text(&refused.stderr));
    assert_eq!(imported(folder, &["--unusable-hash", "drop"]), "2 imported, 0 refused");
    assert!(!folder.join("import-refused.csv").exists(), "there is nothing to report");
}

#[test]
fn a_source_that_cannot_be_read_is_named_unless_it_may_contain_a_password() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("semicolons.csv"), "email;first_name\nada@test.com;Ada\n").unwrap();
    for (from, source, expected) in [
        ("json", "nowhere.jsonl", "nowhere.jsonl: No such file"),
        ("csv", "nowhere.csv", "nowhere.csv: No such file"),
        ("csv", ".", "it is not a file"),
        ("csv", "semicolons.csv", "semicolons.csv: the first line has no column `email`"),
        ("csv", "postgres://me:hunter2@db/auth", "must be a file"),
        ("django", "mysql://me:hunter2@db/auth", "postgres://… or sqlite://…"),
        ("django", "sqlite:///nowhere/django.db", "source: "),
        ("django", "postgres://me:hunter2@db:port/auth", "source: is not a URL"),
    ] {
        let refused = run(folder, &["import", "--from", from, source], "");
        let said = text(&refused.stderr);
        assert!(!refused.status.success() && said.contains(expected), "{source}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
