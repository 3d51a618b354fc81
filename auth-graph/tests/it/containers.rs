//! The commands that containers and operators use around the service: the first user, health, mail, questions.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::support::Process;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_files_of_the_database_are_private_in_a_folder_that_others_can_enter() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    // While a process has the database open, its journal exists.
    let process = Process::start(folder.path(), None);
    for end in ["", "-wal", "-shm"] {
        assert_eq!(mode(&data.join(format!("auth-graph.sqlite{end}"))), 0o600, "{end}");
    }
    drop(process);
}

#[test]
fn the_first_user_of_a_container_is_created_once_with_a_password_from_a_file() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("password"), "correct horse battery\n").unwrap();
    let arguments = ["user", "create", "root@test.com", "--superuser", "--if-missing", "--password-file", "password"];
    let created = run(folder.path(), &arguments, "");
    assert!(text(&created.stdout).ends_with("root@test.com (active)\n"), "{}", text(&created.stderr));
    std::fs::remove_file(folder.path().join("password")).unwrap();
    let again = run(folder.path(), &arguments, "");
    assert_eq!(text(&again.stdout), "root@test.com exists already\n", "{}", text(&again.stderr));
    assert!(again.status.success());
}

#[test]
fn data_is_not_destroyed_without_a_question() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), &["user", "create", "ada@test.com", "--no-password"], "");
    for arguments in [
        &["migrate", "--down", "1"][..],
        &["user", "delete", "ada@test.com", "--for-good"],
        &["secrets", "rotate", "--window", "0s"],
    ] {
        let refused = run(folder.path(), arguments, "y\n");
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(text(&refused.stderr).contains("Add --yes"), "{}", text(&refused.stderr));
    }
    assert!(run(folder.path(), &["user", "show", "ada@test.com"], "").status.success());
    for arguments in [
        &["secrets", "rotate", "--window", "0s", "--yes"][..],
        &["user", "delete", "ada@test.com", "--for-good", "--yes"],
        &["migrate", "--down", "1", "--yes"],
    ] {
        let done = run(folder.path(), arguments, "");
        assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
    }
}

#[test]
fn a_deleted_user_is_found_and_restored_by_address() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), &["user", "create", "ada@test.com", "--no-password"], "");
    assert!(run(folder.path(), &["user", "delete", "ada@test.com"], "").status.success());
    let gone = run(folder.path(), &["user", "show", "ada@test.com"], "");
    assert!(text(&gone.stderr).contains("there is no user ada@test.com"), "{}", text(&gone.stderr));
    assert_eq!(text(&run(folder.path(), &["user", "list"], "").stdout), "");
    let listed = run(folder.path(), &["user", "list", "--deleted", "--json"], "");
    let user: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((user["email"].as_str(), user["deleted"].as_bool()), (Some("ada@test.com"), Some(true)), "{user}");
    let restored = run(folder.path(), &["user", "restore", "ada@test.com"], "");
    assert!(text(&restored.stdout).ends_with("ada@test.com (active)\n"), "{}", text(&restored.stderr));
    for unknown in ["ada@test.com", "nobody", "00000000-0000-7000-8000-000000000000"] {
        let refused = run(folder.path(), &["user", "restore", unknown], "");
        assert!(text(&refused.stderr).contains("user list --deleted"), "{unknown}: {}", text(&refused.stderr));
    }
}

#[test]
fn lists_are_printed_as_json() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), &["user", "create", "ada@test.com", "--no-password"], "");
    run(folder.path(), &["client", "create", "reader", "--scope", "feed:read"], "");
    for (arguments, member, expected) in [
        (&["user", "list", "--json"][..], "email", "ada@test.com"),
        (&["user", "show", "ada@test.com", "--json"], "email", "ada@test.com"),
        (&["client", "list", "--json"], "name", "reader"),
        (&["keys", "list", "--json"], "state", "signing"),
    ] {
        let printed = run(folder.path(), arguments, "");
        let line: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
        assert_eq!(line[member], expected, "{arguments:?}: {line}");
    }
}

#[test]
fn users_are_listed_by_role() {
    let folder = TempDir::new().unwrap();
    let roles = ["--set", "roles.editor=[\"notes:write\"]", "--set", "roles.Editor=[\"notes:write\"]"];
    let output = |arguments: &[&str]| {
        let done = run(folder.path(), &[arguments, &roles[..]].concat(), "");
        assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
        (text(&done.stdout), text(&done.stderr))
    };
    for name in ["ada", "eve", "king"] {
        output(&["user", "create", &format!("{name}@test.com"), "--no-password"]);
    }
    output(&["user", "set-roles", "ada@test.com", "--role", "editor"]);
    output(&["user", "set-roles", "king@test.com", "--role", "Editor"]);
    output(&["user", "update", "eve@test.com", "--staff", "true"]);
    for (role, email) in [("editor", "ada@test.com"), ("Editor", "king@test.com"), ("staff", "eve@test.com")] {
        let (listed, _) = output(&["user", "list", "--role", role, "--json"]);
        let user: serde_json::Value = serde_json::from_str(&listed).expect("one line");
        assert_eq!(user["email"], email, "{role}");
    }
    for part in ["edit", "%", "superuser", "\"", "roles"] {
        assert_eq!(output(&["user", "list", "--role", part]).0, "", "{part}");
    }
    let (_, note) = output(&["user", "list", "--role", "editors"]);
    assert!(note.contains("the configuration has no role editors"), "{note}");
    let deleted = run(folder.path(), &["user", "list", "--role", "editor", "--deleted"], "");
    assert_eq!(deleted.status.code(), Some(2), "{}", text(&deleted.stderr));
}

#[test]
fn health_is_an_exit_code() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), None);
    let address = process.address().to_string();
    let healthy = run(folder.path(), &["health", "--address", &address], "");
    assert!(healthy.status.success() && text(&healthy.stdout).contains("\"database\":\"ok\""), "{healthy:?}");
    drop(process);
    let gone = run(folder.path(), &["health", "--address", &address], "");
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
}

#[test]
fn a_mail_is_tried_without_a_database() {
    let folder = TempDir::new().unwrap();
    let printed = run(folder.path(), &["mail", "test", "ada@test.com"], "");
    assert!(printed.status.success() && text(&printed.stderr).contains("mail to ada@test.com"), "{printed:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
    let off = run(folder.path(), &["mail", "test", "ada@test.com", "--set", "profile=production"], "");
    assert!(text(&off.stderr).contains("mail.smtp_url"), "{off:?}");
}

#[test]
fn unknown_parameters_of_the_database_are_refused_and_never_shown() {
    let folder = TempDir::new().unwrap();
    for parameter in ["sslpassword=hunter2", "pasword=hunter2", "hunter2"] {
        let setting = format!("database.url=postgres://me@127.0.0.1:1/auth?{parameter}");
        for command in [&["config", "print"][..], &["migrate"], &["serve"]] {
            let refused = run(folder.path(), &[command, &["--set", &setting]].concat(), "");
            assert_eq!(refused.status.code(), Some(2), "{refused:?}");
            assert!(text(&refused.stderr).contains("database.url: has an unknown parameter"), "{refused:?}");
            assert!(!format!("{}{}", text(&refused.stdout), text(&refused.stderr)).contains("hunter2"));
        }
        let source = format!("postgres://me@127.0.0.1:1/auth?{parameter}");
        let import = run(folder.path(), &["import", "--from", "django", &source], "");
        let shown = format!("{}{}", text(&import.stdout), text(&import.stderr));
        assert!(shown.contains("has an unknown parameter") && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn completions_are_printed_for_each_shell() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let printed = run(folder.path(), &["completions", shell], "");
        assert!(printed.status.success() && text(&printed.stdout).contains("auth-graph"), "{shell}");
    }
}
