//! Importing users from other systems with their password hashes, each one once, even after an interruption.

use std::path::Path;
use std::process::{Command, Output};

use engine::app::App;
use engine::transfer::{Batch, Existing, Import, Label, MOST_NUMBER, Record, Rejected, Row, UnusableHash, Writing};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use store::{changes, outbox, user_credentials, users};
use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::support::{PASSWORD, TestApp, fresh_database};

/// The password of the hashes in the file, which Django 5.2, libpass and Werkzeug made.
pub const FOREIGN_PASSWORD: &str = "pässword of Ada's";
pub const FOREIGN_HASHES: &str = include_str!("data/foreign_hashes.tsv");

pub fn record(email: &str, hash: &str) -> Record {
    Record { email: email.to_owned(), password_hash: Some(hash.to_owned()), is_active: true, ..Record::default() }
}

/// Imports records, and returns the codes of rejected ones.
pub async fn import(app: &App, name: &str, records: Vec<Record>) -> Vec<String> {
    let mut import = Import::open(app, name, Writing::Commit, Existing::Keep).await.unwrap();
    let rows = records.into_iter().enumerate().map(|(place, record)| row(&place.to_string(), record)).collect();
    let batch = Batch { rows, position: "end".to_owned() }.prepare(app, UnusableHash::Refuse);
    import.write(app, &batch).await.unwrap();
    import.settle(app).await.unwrap();
    codes(&import.take_rejected())
}

pub fn row(place: &str, record: Record) -> Row {
    Row { label: Label { place: place.to_owned(), ..Label::default() }, record: Ok(record) }
}

pub fn codes(rejected: &[Rejected]) -> Vec<String> {
    rejected.iter().map(|row| format!("{} {}", row.label.place, row.refusal.code.as_str())).collect()
}

async fn hash_of(test: &TestApp, email: &str) -> String {
    let user = users::find_by_email(&test.app.db, &email.parse().unwrap()).await.unwrap().unwrap();
    user_credentials::of_user(&test.app.db, user.id).await.unwrap().pop().unwrap().secret
}

/// ory/kratos#1659, #605, zitadel#4157, casdoor#3745, better-auth#5054, logto#7585: operators do not migrate without
/// the passwords.
#[tokio::test]
async fn hashes_of_other_systems_sign_in_and_are_replaced() {
    let test = TestApp::new().await;
    let hashes: Vec<_> = FOREIGN_HASHES.lines().map(|line| line.split_once('\t').unwrap()).collect();
    assert_eq!(hashes.len(), 16);
    let email = |name: &str| format!("{}@test.com", name.replace(' ', "."));
    let records = hashes.iter().map(|(name, hash)| record(&email(name), hash)).collect();
    assert_eq!(import(&test.app, "hashes", records).await, [""; 0]);
    for (name, hash) in hashes {
        let email = email(name);
        assert_eq!(test.anonymous().login(&email, "wrong password").await.code(), "INVALID_CREDENTIALS", "{name}");
        assert_eq!(hash_of(&test, &email).await, hash);
        test.anonymous().login(&email, FOREIGN_PASSWORD).await.data("login");
        assert!(hash_of(&test, &email).await.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{name}");
        test.anonymous().login(&email, FOREIGN_PASSWORD).await.data("login");
    }
}

/// Uses the example in the documentation of Firebase's scrypt.
#[tokio::test]
async fn a_hash_of_firebase_signs_in() {
    let test = TestApp::new().await;
    let key = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    let hash = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";
    let hash = format!("$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={key}$42xEC+ixf3L2lw==${hash}");
    assert_eq!(import(&test.app, "firebase", vec![record("ada@test.com", &hash)]).await, [""; 0]);
    assert_eq!(test.anonymous().login("ada@test.com", "user2password").await.code(), "INVALID_CREDENTIALS");
    test.anonymous().login("ada@test.com", "user1password").await.data("login");
}

#[tokio::test]
async fn a_hash_at_another_cost_is_replaced_too() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    let mut config = test.app.config.clone();
    config.passwords.memory_kib = 16;
    let app = engine::boot(config, test.app.clock.clone()).await.unwrap();
    let (email, password) = ("ada@test.com".parse().unwrap(), PASSWORD.into());
    let login = engine::signing_in::Login {
        identifier: engine::signing_in::Identifier::Email(email),
        password,
        scope: None,
        audience: None,
    };
    engine::signing_in::login(&app, login, &Default::default()).await.unwrap();
    assert!(hash_of(&test, "ada@test.com").await.contains("$m=16,t=1,p=1$"));
}

#[tokio::test]
async fn identifiers_are_kept_and_conflicting_users_are_rejected() {
    let test = TestApp::new().await;
    test.create_user("taken@test.com").await;
    let id = "0198f0c2-0000-7000-8000-000000000001";
    let with_id = |email: &str, id: &str| Record { id: Some(id.to_owned()), ..record(email, "") };
    let with_number = |email: &str, number| Record { number: Some(number), ..record(email, "") };
    let records = || {
        vec![
            with_id("Kept@Test.com", id),
            with_number("seven@test.com", 7),
            with_number("other@test.com", 7),
            with_id("other@test.com", id),
            record("taken@test.com", ""),
            record("seven@test.com", ""),
            record("no address", ""),
            record("md5@test.com", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99"),
            with_number("zero@test.com", 0),
            with_id("text@test.com", "auth0|5f7c"),
            with_number("last@test.com", MOST_NUMBER),
            with_number("more@test.com", MOST_NUMBER + 1),
        ]
    };
    let expected =
        ["6 INVALID_EMAIL", "7 UNKNOWN_HASH", "8 INVALID_VALUE", "11 INVALID_VALUE", "2 ID_TAKEN", "3 ID_TAKEN"];
    let refused = import(&test.app, "first", records()).await;
    assert_eq!(refused, [expected.as_slice(), &["4 EMAIL_TAKEN", "5 EMAIL_TAKEN"]].concat());
    let kept = users::find_by_email(&test.app.db, &"kept@test.com".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.id.to_string(), id);
    let again = import(&test.app, "second", records()).await;
    assert_eq!(again, refused, "those who are here already are not rejected");
    let created = outbox::after(&test.app.db, 0, 100).await.unwrap();
    let created: Vec<_> = created.iter().filter(|change| change.kind == changes::Kind::UserCreated).collect();
    assert_eq!(created.len(), 5, "one for each imported user, and none for a rejected one");
}

pub fn first_line(output: &Output) -> String {
    text(&output.stdout).lines().next().unwrap_or_default().to_owned()
}

pub fn imported(folder: &Path, from: &str, source: &str, options: &[&str]) -> Output {
    let output = run(folder, &[&["import", "--from", from, source], options].concat(), "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

pub fn exported(folder: &Path) -> Vec<Value> {
    let output = run(folder, &["export", "--hashes", "include"], "");
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_interrupted_import_continues_and_repeats_nothing() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("users.jsonl");
    let line = |number: usize| format!("{}\n", json!({ "email": format!("user{number}@test.com") }));
    std::fs::write(&file, (0..1500).map(line).collect::<String>()).unwrap();
    let dry = imported(folder.path(), "json", "users.jsonl", &["--dry-run"]);
    assert_eq!(first_line(&dry), "1500 would be imported, 0 refused");
    let first = imported(folder.path(), "json", "users.jsonl", &[]);
    assert_eq!(first_line(&first), "1500 imported, 0 refused");
    // The file grows, as if the run had been interrupted.
    let more: String = (1500..1600).map(line).collect();
    let whole = std::fs::read_to_string(&file).unwrap() + &more + "{ not JSON\n" + &line(3);
    std::fs::write(&file, whole).unwrap();
    let second = imported(folder.path(), "json", "users.jsonl", &[]);
    assert!(text(&second.stderr).contains("continuing after 1500 imported and 0 refused"), "{}", text(&second.stderr));
    assert!(text(&second.stdout).starts_with("100 imported, 2 refused\n"), "{}", text(&second.stdout));
    let report = std::fs::read_to_string(folder.path().join("import-refused.csv")).unwrap();
    assert_eq!(report, "1601,,,MALFORMED,\n1602,,user3@test.com,EMAIL_TAKEN,email\n");
    let third = imported(folder.path(), "json", "users.jsonl", &[]);
    assert_eq!(first_line(&third), "0 imported, 0 refused");
    let kept = std::fs::read_to_string(folder.path().join("import-refused.csv")).unwrap();
    assert_eq!(kept, report, "a run that continues keeps the report");
    assert_eq!(exported(folder.path()).len(), 1600);
}

/// The progress is printed on a terminal only, not in a log.
#[test]
fn a_terminal_shows_the_progress_of_an_import() {
    let folder = TempDir::new().unwrap();
    let rows: String = (0..1500).map(|number| format!("user{number}@test.com\n")).collect();
    std::fs::write(folder.path().join("users.csv"), format!("email\n{rows}")).unwrap();
    let line = |number: usize| format!("{}\n", json!({ "email": format!("user{number}@test.com") }));
    std::fs::write(folder.path().join("users.jsonl"), (0..1500).map(line).collect::<String>()).unwrap();
    for (from, source) in [("csv", "users.csv"), ("json", "users.jsonl")] {
        let command = format!("{} import --from {from} {source} --dry-run", env!("CARGO_BIN_EXE_auth-graph"));
        let arguments = ["--quiet", "--return", "--command", &command, "/dev/null"];
        let seen = Command::new("script").args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(seen.status.success(), "{}", text(&seen.stdout));
        assert!(text(&seen.stdout).contains("100 %, 0s left: 1500 imported, 0 refused"), "{}", text(&seen.stdout));
        assert_eq!(text(&imported(folder.path(), from, source, &["--dry-run"]).stderr), "");
    }
}

#[test]
fn another_file_under_the_same_name_is_read_from_its_beginning() {
    let folder = TempDir::new().unwrap();
    let line = |name: &str, number: usize| format!("{}\n", json!({ "email": format!("{name}{number}@test.com") }));
    for (from, heading) in [("json", ""), ("csv", "email\n")] {
        let file = folder.path().join(format!("users.{from}"));
        let row = |name: &str, number: usize| match from {
            "csv" => format!("{from}{name}{number}@test.com\n"),
            _ => line(name, number),
        };
        let write = |names: &[&str]| {
            let rows: String = (0..3).flat_map(|number| names.iter().map(move |name| row(name, number))).collect();
            std::fs::write(&file, format!("{heading}{rows}")).unwrap();
        };
        let import = || imported(folder.path(), from, file.to_str().unwrap(), &[]);
        write(&["ada"]);
        assert_eq!(first_line(&import()), "3 imported, 0 refused");
        // The files have the same first line and the same length. Only the digest of the read part differs.
        write(&["ada"]);
        let changed = std::fs::read_to_string(&file).unwrap().replace("ada2", "eve2") + &row("new", 1);
        std::fs::write(&file, changed).unwrap();
        let again = import();
        assert!(text(&again.stderr).contains("from its beginning"), "{}", text(&again.stderr));
        assert!(text(&again.stdout).starts_with("2 imported, 2 refused\n"), "{}", text(&again.stdout));
        let third = import();
        assert!(text(&third.stderr).contains("continuing after"), "{}", text(&third.stderr));
        assert_eq!(first_line(&third), "0 imported, 0 refused");
    }
}

#[test]
fn an_export_can_be_imported_without_a_loss() {
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let csv = "id,email,password,first_name,is_staff,metadata,date_joined,last_login,phone,locale,roles,private_metadata\n\
               7,Ada@Test.com,pbkdf2_sha256$1000$salt$AAAAAAAAAAAAAAAAAAAAAA==,Ada,true,\"{\"\"plan\"\": 1}\",2020-01-02T03:04:05Z,,\
               +44 20,de-AT,writer reader,\"{\"\"note\"\": \"\"x\"\"}\"\n\
               8,eve@test.com,!unusable,Eve,0,,2020-01-02 03:04:05.5,2021-01-02T03:04:05+02:00,,,,\n\
               9,broken@test.com\n";
    std::fs::write(here.path().join("users.csv"), csv).unwrap();
    let first = imported(here.path(), "csv", "users.csv", &[]);
    assert!(text(&first.stdout).starts_with("2 imported, 1 refused\n"), "{}", text(&first.stdout));
    let report = std::fs::read_to_string(here.path().join("import-refused.csv")).unwrap();
    assert_eq!(report, "4,,,MALFORMED,\n");
    let users = exported(here.path());
    let member = |name: &str| users.iter().map(|user| user[name].clone()).collect::<Vec<_>>();
    assert_eq!(member("number"), [7, 8]);
    assert_eq!(member("email"), ["ada@test.com", "eve@test.com"]);
    assert_eq!(member("isStaff"), [true, false]);
    assert_eq!(member("metadata"), [json!({ "plan": 1 }), json!({})]);
    assert_eq!(member("privateMetadata"), [json!({ "note": "x" }), json!({})]);
    assert_eq!(member("phoneNumber"), ["+44 20".into(), Value::Null]);
    assert_eq!(member("locale"), ["de-AT".into(), Value::Null]);
    assert_eq!(member("roles"), [json!(["writer", "reader"]), json!([])]);
    assert_eq!(member("dateJoined"), ["2020-01-02T03:04:05Z", "2020-01-02T03:04:05.500Z"]);
    assert_eq!(member("lastLogin"), [Value::Null, "2021-01-02T01:04:05Z".into()]);
    assert!(member("passwordHash")[1].is_null());

    let file = there.path().join("users.jsonl");
    let out = run(here.path(), &["export", "--hashes", "include", file.to_str().unwrap()], "");
    assert!(out.status.success(), "{}", text(&out.stderr));
    imported(there.path(), "json", "users.jsonl", &[]);
    assert_eq!(exported(there.path()), users);
    let without = run(here.path(), &["export"], "");
    assert!(!text(&without.stdout).contains("pbkdf2"), "hashes are exported only on request");
    let twice = run(here.path(), &["export", file.to_str().unwrap()], "");
    assert_eq!(twice.status.code(), Some(1), "an existing file is not overwritten");
}

#[test]
fn auth0_and_dumpdata_are_supported() {
    let folder = TempDir::new().unwrap();
    let bcrypt = "$2b$10$8f2RH3AKfsNo0pNMZwH8VupohCcno7aOw/3zkFyIsPvif2yJb0.nG";
    let auth0 =
        json!({ "_id": { "$oid": "5f7c" }, "email": "ada@test.com", "email_verified": true, "passwordHash": bcrypt });
    let blocked = json!({ "user_id": "google-oauth2|1", "email": "eve@test.com", "blocked": true, "given_name": "Eve",
        "app_metadata": { "plan": "gold" }, "user_metadata": { "theme": "dark" } });
    std::fs::write(folder.path().join("auth0.jsonl"), format!("{auth0}\n{blocked}\n")).unwrap();
    imported(folder.path(), "auth0", "auth0.jsonl", &[]);
    let dumped = json!({ "model": "auth.user", "pk": 3, "fields": { "username": "Bob@test.com", "email": "",
        "password": bcrypt.replace("$2b", "bcrypt$$2b"), "is_superuser": true, "is_active": false,
        "date_joined": "2020-01-02T03:04:05.678Z", "last_login": null, "groups": [] } });
    std::fs::write(folder.path().join("dump.jsonl"), format!("{dumped}\n")).unwrap();
    imported(folder.path(), "django", "dump.jsonl", &[]);
    let users = exported(folder.path());
    let find = |email: &str| users.iter().find(|user| user["email"] == email).unwrap();
    assert_eq!(find("ada@test.com")["emailVerified"], true);
    assert_eq!(find("ada@test.com")["passwordHash"], bcrypt);
    // Users cannot set keys that begin with _. Their own keys stay as they are.
    let metadata = json!({ "_auth0": { "user_id": "google-oauth2|1" }, "_app_metadata": { "plan": "gold" },
        "user_metadata": { "theme": "dark" } });
    assert_eq!((&find("eve@test.com")["isActive"], &find("eve@test.com")["metadata"]), (&json!(false), &metadata));
    let bob = find("bob@test.com");
    assert_eq!(bob["metadata"], json!({ "_username": "Bob@test.com" }));
    assert_eq!((&bob["number"], &bob["isSuperuser"], &bob["isActive"]), (&json!(3), &json!(true), &json!(false)));
}

/// Uses tables like those of Django.
#[tokio::test]
async fn the_database_of_a_django_service_is_only_read() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("django.sqlite3");
    let postgres = fresh_database().await;
    let url = postgres.clone().unwrap_or_else(|| format!("sqlite://{}", file.display()));
    let (connected, key, time) = match postgres {
        Some(_) => (url.clone(), "bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY", "timestamp with time zone"),
        None => (format!("{url}?mode=rwc"), "integer PRIMARY KEY AUTOINCREMENT", "datetime"),
    };
    let db = Database::connect(connected).await.unwrap();
    let table = format!(
        "CREATE TABLE \"user\" (id {key}, password varchar(128) NOT NULL, last_login {time} NULL, \
         is_superuser boolean NOT NULL, first_name varchar(150) NOT NULL, email varchar(254) NOT NULL UNIQUE, \
         is_active boolean NOT NULL, phone varchar(15), date_joined {time} NOT NULL)"
    );
    db.execute_unprepared(&table).await.unwrap();
    for number in 1..=1203 {
        let row = format!(
            "INSERT INTO \"user\" (password, is_superuser, first_name, email, is_active, phone, date_joined) VALUES \
             ('!', {}, 'Ada', 'user{number}@test.com', true, '12', '2020-01-02 03:04:05.678')",
            number % 2 == 1
        );
        db.execute_unprepared(&row).await.unwrap();
    }
    db.close().await.unwrap();
    let before = std::fs::read(&file).ok();
    let there = TempDir::new().unwrap();
    let first = imported(there.path(), "easyjwt", &url, &[]);
    assert_eq!(first_line(&first), "1203 imported, 0 refused");
    assert_eq!(std::fs::read(&file).ok(), before);
    let users = exported(there.path());
    let numbers: Vec<_> = users.iter().map(|user| user["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=1203).collect::<Vec<_>>());
    assert_eq!((&users[0]["isSuperuser"], &users[0]["phoneNumber"]), (&json!(true), &json!("12")));
    assert_eq!(users[0]["dateJoined"], "2020-01-02T03:04:05.678Z");
    let nowhere = run(there.path(), &["import", "--from", "django", &url], "");
    let named = ["no such table", "does not exist"].iter().any(|said| text(&nowhere.stderr).contains(said));
    assert!(named, "{}", text(&nowhere.stderr));
}

/// The roles `staff` and `superuser` were also accepted in the list of roles, but such a user was not a superuser by
/// the rules.
#[tokio::test]
async fn an_invalid_role_or_name_is_rejected() {
    let test = TestApp::new().await;
    let with_role = |role: &str| Record { roles: vec![role.to_owned()], ..record("ada@test.com", "") };
    let records = vec![
        with_role("superuser"),
        with_role("staff"),
        with_role(""),
        Record { first_name: "a\u{0}".to_owned(), ..record("ada@test.com", "") },
        Record { last_name: "a".repeat(151), ..record("ada@test.com", "") },
        with_role("writer"),
    ];
    let expected: Vec<String> = (0..5).map(|place| format!("{place} INVALID_VALUE")).collect();
    assert_eq!(import(&test.app, "values", records).await, expected);
}
