//! Importing files as other programs and people write them, and what the import says about what it does not use.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::import::{exported, first_line, imported};

const BCRYPT: &str = "$2b$10$8f2RH3AKfsNo0pNMZwH8VupohCcno7aOw/3zkFyIsPvif2yJb0.nG";

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(folder.path().join(name), content).unwrap();
}

/// Returns the lines of the report of an import.
fn report(folder: &Path) -> Vec<String> {
    let report = std::fs::read_to_string(folder.join("import-refused.csv")).unwrap();
    report.lines().map(str::to_owned).collect()
}

fn user(folder: &Path, email: &str) -> Value {
    exported(folder).into_iter().find(|user| user["email"] == email).expect("the user came in")
}

/// Each form holds the users ann and ben.
#[test]
fn json_is_read_in_lines_in_lists_and_in_objects() {
    let (ann, ben) =
        (json!({ "email": "ann@test.com" }), json!({ "email": "ben@test.com", "metadata": { "a": "]}\"" } }));
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let forms = [
        format!("{ann}\n{ben}\n"),
        format!("\u{feff}{ann}\r\n\r\n{ben}"),
        format!("[{ann},{ben}]"),
        format!("\u{feff}\n [\n{},\n{}\n]\n", pretty(&ann), pretty(&ben)),
        format!("{}\n{}\n", pretty(&ann), pretty(&ben)),
        json!({ "realm": "x", "users": [ann, ben], "roles": [] }).to_string(),
        pretty(&json!({ "a": [1, "}"], "Users": [ann, ben] })),
    ];
    for form in forms {
        let folder = TempDir::new().unwrap();
        write(&folder, "users.json", &form);
        let said = imported(folder.path(), "json", "users.json", &[]);
        assert_eq!(first_line(&said), "2 imported, 0 refused", "{form}");
        // The run continues at the end of the list.
        assert_eq!(first_line(&imported(folder.path(), "json", "users.json", &[])), "0 imported, 0 refused", "{form}");
    }
}

#[test]
fn a_row_of_a_list_that_cannot_be_read_is_reported_with_its_line() {
    let folder = TempDir::new().unwrap();
    write(&folder, "users.json", "[\n{\"email\": \"ann@test.com\"},\n{\"email\": nothing},\n7,\n{\"email\": 8}\n]");
    imported(folder.path(), "json", "users.json", &[]);
    assert_eq!(report(folder.path()), ["3,,,MALFORMED,", "4,,,MALFORMED,", "5,,8,INVALID_EMAIL,email"]);
    write(&folder, "cut.json", "[\n{\"email\": \"ben@test.com\"},\n{\"ema");
    let cut = run(folder.path(), &["import", "--from", "json", "cut.json"], "");
    assert_eq!(cut.status.code(), Some(1));
    assert!(text(&cut.stderr).contains("the file ends before its list"), "{}", text(&cut.stderr));
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_what_to_do() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (from, content, expected) in [
        ("auth0", b"\x1f\x8b\x08rest".to_vec(), "gunzip"),
        ("csv", b"PK\x03\x04rest".to_vec(), "save the sheet as CSV"),
        ("csv", [b"\xff\xfe".to_vec(), utf16("email\n")].concat(), "UTF-16"),
        ("json", utf16("{\"email\": \"ann@test.com\"}"), "UTF-16"),
        ("csv", b"SQLite format 3\0rest".to_vec(), "database of SQLite"),
        ("csv", b"[{\"email\": \"ann@test.com\"}]".to_vec(), "--from json"),
        ("json", b"email,first_name\nann@test.com,Ann\n".to_vec(), "--from csv"),
        ("json", b"{\"users\": [{\"localId\": \"a\", \"email\": \"ann@test.com\"}]}".to_vec(), "--from firebase"),
        ("auth0", b"{\"model\": \"auth.user\", \"pk\": 1, \"fields\": {}}".to_vec(), "--from django"),
        ("django", b"[{\"username\": \"a\", \"createdTimestamp\": 1}]".to_vec(), "an export of Keycloak"),
    ] {
        let folder = TempDir::new().unwrap();
        write(&folder, "users", content);
        let refused = run(folder.path(), &["import", "--from", from, "users"], "");
        let said = text(&refused.stderr);
        assert!(refused.status.code() == Some(1) && said.contains(expected), "{from}: {said}");
    }
}

/// Values have blanks around them, lines end as on Windows, and PostgreSQL writes offsets of hours only.
#[test]
fn csv_is_read_as_people_and_databases_write_it() {
    let folder = TempDir::new().unwrap();
    let content = format!(
        "\u{feff}Email Address, Given Name,Family-Name ,is_active, hash,Created At,locale,phone,,\r\n\
         ann@test.com , Ann,Lee, FALSE , {BCRYPT} ,2020-01-02 03:04:05.6+00,de_DE.UTF-8,491701234567,,\r\n\
         \r\n\
         ,,,,,,,,,\r\n\
         \"ben@test.com\",Ben,,t,,2020-01-02 03:04:05 UTC,klingon!,,,\"two\r\nlines\"\r\n\
         no address,,,,,,,,,\r\n\
         eve@test.com,,,,,2020-13-02,,,,\r\n\
         dan@test.com,,\r\n"
    );
    write(&folder, "users.csv", content);
    let said = text(&imported(folder.path(), "csv", "users.csv", &[]).stdout);
    assert!(said.starts_with("2 imported, 3 refused\n"), "{said}");
    assert!(said.contains("columns that were not used: column 10 (1)\n"), "{said}");
    assert!(said.contains("as they are not accepted: locale (1)\n"), "{said}");
    assert!(said.contains("1 INVALID_VALUE: "), "{said}");
    let expected = ["7,,no address,INVALID_EMAIL,email", "8,,eve@test.com,INVALID_VALUE,date_joined", "9,,,MALFORMED,"];
    let mut seen = report(folder.path());
    seen.sort();
    assert_eq!(seen, expected);
    let ann = user(folder.path(), "ann@test.com");
    let values = (&ann["firstName"], &ann["lastName"], &ann["isActive"], &ann["passwordHash"], &ann["locale"]);
    assert_eq!(values, (&json!("Ann"), &json!("Lee"), &json!(false), &json!(BCRYPT), &json!("de-DE")));
    assert_eq!((&ann["dateJoined"], &ann["phoneNumber"]), (&json!("2020-01-02T03:04:05.600Z"), &json!("491701234567")));
    assert!(user(folder.path(), "ben@test.com")["locale"].is_null());
}

/// An identifier that is a text is not the number of another user.
#[test]
fn identifiers_stay_what_they_are() {
    let folder = TempDir::new().unwrap();
    let row = |id: Value, email: &str| json!({ "id": id, "email": email }).to_string() + "\n";
    let rows = [
        row(json!("0042"), "zeros@test.com"),
        row(json!(42), "number@test.com"),
        row(json!("+43"), "sign@test.com"),
        row(json!("43"), "text@test.com"),
        row(json!(4_503_599_627_370_496_i64), "large@test.com"),
        row(json!(4.5), "half@test.com"),
        row(json!(7.0), "whole@test.com"),
    ];
    write(&folder, "users.jsonl", rows.concat());
    imported(folder.path(), "json", "users.jsonl", &[]);
    let numbers = |email: &str| user(folder.path(), email)["number"].clone();
    assert_eq!((numbers("zeros@test.com"), numbers("number@test.com")), (Value::Null, json!(42)));
    assert_eq!((numbers("sign@test.com"), numbers("text@test.com")), (Value::Null, json!(43)));
    let expected =
        ["5,4503599627370496,large@test.com,INVALID_VALUE,number", "6,4.5,half@test.com,INVALID_VALUE,number"];
    let mut seen = report(folder.path());
    seen.sort();
    assert_eq!(seen, expected);
}

/// A model may keep phone numbers as integers.
#[test]
fn a_phone_number_that_is_an_integer_is_kept_if_it_can_be_one() {
    let folder = TempDir::new().unwrap();
    let row =
        |name: &str, phone: Value| json!({ "email": format!("{name}@test.com"), "phone": phone }).to_string() + "\n";
    let rows =
        [row("ann", json!(491_701_234_567_i64)), row("ben", json!(7)), row("cat", json!(true)), row("dan", json!("7"))];
    write(&folder, "users.jsonl", rows.concat());
    let said = text(&imported(folder.path(), "json", "users.jsonl", &[]).stdout);
    assert!(said.contains("as they are not accepted: phone_number (2)\n"), "{said}");
    let phone = |email: &str| user(folder.path(), email)["phoneNumber"].clone();
    assert_eq!((phone("ann@test.com"), phone("ben@test.com")), (json!("491701234567"), Value::Null));
    assert_eq!((phone("cat@test.com"), phone("dan@test.com")), (Value::Null, json!("7")));
}

#[test]
fn columns_become_what_the_mapping_says() {
    let folder = TempDir::new().unwrap();
    write(&folder, "users.csv", "login,full_name,plan,born,shoe,tag\nann@test.com,Ann,gold,1990,38,x\n");
    write(
        &folder,
        "map.toml",
        "[columns]\nlogin = \"email\"\nfull_name = \"first_name\"\nplan = \"metadata._plan\"\n\
         born = \"private_metadata.born\"\nshoe = \"ignore\"\nabsent = \"locale\"\n",
    );
    let said = text(&imported(folder.path(), "csv", "users.csv", &["--mapping", "map.toml"]).stdout);
    assert!(said.contains("columns that were not used: tag (1)\n"), "{said}");
    assert!(said.contains("columns of the mapping that no row has: absent\n"), "{said}");
    let ann = user(folder.path(), "ann@test.com");
    assert_eq!((&ann["firstName"], &ann["metadata"]), (&json!("Ann"), &json!({ "_plan": "gold" })));
    assert_eq!(ann["privateMetadata"], json!({ "born": "1990" }));
    for (mapping, expected) in [
        ("[columns]\nplan = \"metadata.\"", "columns.plan: `metadata.`"),
        ("[columns]\nplan = \"roles\"", "columns.plan: `roles`"),
        ("[roles]\neditors = [\"nobody\"]", "`nobody` is not among the [roles]"),
        ("[roles]\neditors = [\"superuser\"]", "`superuser`"),
        ("[groups]\neditors = [\"editor\"]", "unknown field `groups`"),
    ] {
        write(&folder, "map.toml", mapping);
        let refused = run(folder.path(), &["import", "--from", "csv", "users.csv", "--mapping", "map.toml"], "");
        assert!(text(&refused.stderr).contains(expected), "{mapping}: {}", text(&refused.stderr));
    }
}

#[test]
fn the_report_is_private_and_there_is_one_for_each_run() {
    let folder = TempDir::new().unwrap();
    write(&folder, "users.csv", "email\nann@test.com\nno address\n");
    let path = folder.path().join("import-refused.csv");
    write(&folder, "import-refused.csv", "old");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let dry = text(&imported(folder.path(), "csv", "users.csv", &["--dry-run"]).stdout);
    assert!(dry.contains("nothing was written") && dry.contains("import-dry-run.csv"), "{dry}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old", "a dry run has a report of its own");
    for _ in 0..2 {
        imported(folder.path(), "csv", "users.csv", &[]);
        assert_eq!(report(folder.path()), ["3,,no address,INVALID_EMAIL,email"]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    symlink(&path, folder.path().join("link.csv")).unwrap();
    let linked = run(folder.path(), &["import", "--from", "csv", "users.csv", "--report", "link.csv"], "");
    assert!(text(&linked.stderr).contains("symbolic link"), "{}", text(&linked.stderr));
}

/// A script must notice that nobody came in.
#[test]
fn the_exit_code_is_1_when_rows_were_there_and_nobody_came_in() {
    let folder = TempDir::new().unwrap();
    write(&folder, "users.csv", "email,username\nno address,ann\n,ben\n");
    for options in [&["--dry-run"][..], &[]] {
        let arguments = [&["import", "--from", "csv", "users.csv"], options].concat();
        let nobody = run(folder.path(), &arguments, "");
        assert_eq!(nobody.status.code(), Some(1), "{}", text(&nobody.stdout));
        assert!(text(&nobody.stdout).contains("rows without an address: 1; "), "{}", text(&nobody.stdout));
    }
    assert_eq!(report(folder.path()), ["2,,no address,INVALID_EMAIL,email", "3,,ben,INVALID_EMAIL,email"]);
    write(&folder, "empty.csv", "email\n");
    imported(folder.path(), "csv", "empty.csv", &[]);
}
