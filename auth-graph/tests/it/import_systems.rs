//! Importing the exports of other systems, in the forms that they write.

use std::path::Path;

use engine::transfer::{Batch, Existing, Import, Record, UnusableHash, Writing};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use store::{audit_events, mails};
use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::import::{exported, first_line, imported, record, row};
use crate::support::TestApp;

const BCRYPT: &str = "$2b$10$8f2RH3AKfsNo0pNMZwH8VupohCcno7aOw/3zkFyIsPvif2yJb0.nG";

fn only(folder: &Path) -> Value {
    let mut users = exported(folder);
    assert_eq!(users.len(), 1);
    users.remove(0)
}

/// Imports a file and returns its user, with what was printed.
fn import_one(from: &str, content: &str, options: &[&str]) -> (Value, String) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("users"), content).unwrap();
    let said = text(&imported(folder.path(), from, "users", options).stdout);
    (only(folder.path()), said)
}

#[test]
fn tables_of_supabase_and_devise_come_in_with_hashes_and_without_the_deleted() {
    let heading =
        "id,email,encrypted_password,email_confirmed_at,confirmed_at,created_at,deleted_at,raw_user_meta_data,role";
    let content = format!(
        "{heading}\n0198f0c2-0000-4000-8000-000000000001,ann@test.com,{BCRYPT},2023-01-01 00:00:00+00,\
         2023-01-01 00:00:00+00,2023-01-01 00:00:00+00,,\"{{\"\"theme\"\": 1}}\",authenticated\n"
    );
    for from in ["supabase", "devise", "csv"] {
        let (ann, said) = import_one(from, &content, &[]);
        let values = (&ann["passwordHash"], &ann["emailVerified"], &ann["isActive"], &ann["metadata"]);
        let metadata = json!({ "user_metadata": { "theme": 1 } });
        assert_eq!(values, (&json!(BCRYPT), &json!(true), &json!(true), &metadata), "{from}");
        assert_eq!(ann["id"], "0198f0c2-0000-4000-8000-000000000001");
        assert!(said.contains("columns that were not used: role (1)\n"), "{said}");
        let deleted = content.replace("+00,,", "+00,2024-01-01 00:00:00+00,");
        let (ann, said) = import_one(from, &deleted, &[]);
        assert_eq!(ann["isActive"], false);
        assert!(said.contains("blocked in the source: 1\n"), "{said}");
    }
}

/// Each of these columns says that the user must not sign in.
#[test]
fn a_user_who_is_deleted_or_blocked_elsewhere_comes_in_disabled() {
    for (column, value, is_active) in [
        ("deleted_at", json!("2024-01-01T00:00:00Z"), false),
        ("deletedAt", json!(null), true),
        ("deleted", json!(true), false),
        ("deleted", json!(false), true),
        ("is_deleted", json!("unclear"), false),
        ("blocked", json!("f"), true),
        ("disabled", json!(1), false),
        ("enabled", json!(false), false),
        ("banned_until", json!("2999-01-01T00:00:00Z"), false),
        ("banned_until", json!("2000-01-01T00:00:00Z"), true),
    ] {
        let (user, _) = import_one("json", &json!({ "email": "ann@test.com", column: value }).to_string(), &[]);
        assert_eq!(user["isActive"], is_active, "{column} {value}");
    }
}

#[test]
fn an_address_is_proved_only_where_the_source_says_so() {
    for (column, value, verified) in [
        ("email_verified", json!(true), true),
        ("emailVerified", json!("2024-01-01T00:00:00Z"), true),
        ("verified", json!("t"), true),
        ("verified", json!("pending"), false),
        ("email_confirmed_at", json!("2024-01-01 00:00:00+00"), true),
        ("confirmed_at", json!(""), false),
    ] {
        let (user, _) = import_one("json", &json!({ "email": "ann@test.com", column: value }).to_string(), &[]);
        assert_eq!(user["emailVerified"], verified, "{column} {value}");
    }
}

#[test]
fn a_realm_of_keycloak_comes_in() {
    let credential = |value: &str, data: Value| {
        let secret = json!({ "value": value, "salt": "c2FsdHNhbHRzYWx0c2FsdA==", "additionalParameters": {} });
        json!([{ "type": "password", "secretData": secret.to_string(), "credentialData": data.to_string() },
            { "type": "otp", "secretData": "{}" }])
    };
    let digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let parameters = json!({ "type": ["id"], "version": ["1.3"], "memory": ["7168"], "parallelism": ["1"] });
    for (data, expected) in [
        (json!({ "hashIterations": 27500, "algorithm": "pbkdf2-sha256" }), "$pbkdf2-sha256$i=27500$"),
        (json!({ "hashIterations": 210_000, "algorithm": "pbkdf2-sha512" }), "$pbkdf2-sha512$i=210000$"),
        (
            json!({ "hashIterations": 5, "algorithm": "argon2", "additionalParameters": parameters }),
            "$argon2id$v=19$m=7168,t=5,p=1$",
        ),
    ] {
        let user = json!({ "id": "5d7a7c1e-0000-4000-8000-000000000001", "username": "ann", "email": "ann@test.com",
            "emailVerified": true, "enabled": true, "createdTimestamp": 1_577_934_245_000_i64, "firstName": "Ann",
            "attributes": { "phoneNumber": ["+49 1"] }, "groups": ["/editors"], "credentials": credential(digest, data) });
        let realm = serde_json::to_string_pretty(&json!({ "realm": "shop", "users": [user] })).unwrap();
        let (ann, said) = import_one("keycloak", &realm, &[]);
        assert!(ann["passwordHash"].as_str().unwrap().starts_with(expected), "{}", ann["passwordHash"]);
        assert_eq!((&ann["firstName"], &ann["phoneNumber"]), (&json!("Ann"), &json!("+49 1")));
        assert_eq!(ann["dateJoined"], "2020-01-02T03:04:05Z");
        assert!(said.contains("no role: editors (1)\n") && said.contains("not used: credentials (1)\n"), "{said}");
    }
}

#[test]
fn users_of_firebase_come_in_with_the_parameters_of_their_project() {
    let folder = TempDir::new().unwrap();
    let user = json!({ "localId": "u1", "email": "ann@test.com", "emailVerified": true, "displayName": "Ann Lee",
        "passwordHash": "lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ==",
        "salt": "42xEC-ixf3L2lw==", "createdAt": "1577934245000", "disabled": false });
    std::fs::write(folder.path().join("users.json"), json!({ "users": [user] }).to_string()).unwrap();
    let refused = run(folder.path(), &["import", "--from", "firebase", "users.json"], "");
    assert!(text(&refused.stderr).contains("hash-config"), "{}", text(&refused.stderr));
    let config = "hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: \
        jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,\n  \
        base64_salt_separator: Bw==,\n  rounds: 8,\n  mem_cost: 14,\n}\n";
    std::fs::write(folder.path().join("hash.txt"), config).unwrap();
    imported(folder.path(), "firebase", "users.json", &["--hash-config", "hash.txt"]);
    let ann = only(folder.path());
    assert!(ann["passwordHash"].as_str().unwrap().starts_with("$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8"));
    assert_eq!((&ann["firstName"], &ann["dateJoined"]), (&json!("Ann Lee"), &json!("2020-01-02T03:04:05Z")));
}

#[test]
fn users_of_cognito_come_in_as_csv_and_as_json_and_need_new_passwords() {
    let csv = "cognito:username,name,given_name,email,email_verified,phone_number,cognito:mfa_enabled\n\
               ann,,Ann,ann@test.com,true,+491701234567,false\n";
    let json = json!({ "Users": [{ "Username": "ann", "Attributes": [{ "Name": "email", "Value": "ann@test.com" },
        { "Name": "given_name", "Value": "Ann" }, { "Name": "email_verified", "Value": "true" }],
        "UserCreateDate": "2020-01-02T03:04:05.678000+00:00", "Enabled": true, "UserStatus": "CONFIRMED" }] });
    for content in [csv.to_owned(), json.to_string()] {
        let (ann, said) = import_one("cognito", &content, &[]);
        let values = (&ann["firstName"], &ann["emailVerified"], &ann["metadata"]["_username"]);
        assert_eq!(values, (&json!("Ann"), &json!(true), &json!("ann")));
        assert!(said.contains("no row has a password hash"), "{said}");
    }
}

/// Auth0 gives out users without hashes, and hashes without names.
#[test]
fn the_two_files_of_auth0_complete_each_other() {
    let profile = json!({ "user_id": "auth0|60425da9", "email": "ann@test.com", "given_name": "Ann", "email_verified": true,
        "created_at": "2021-03-05T16:34:49.502Z", "last_login": "2022-01-01T00:00:00Z", "blocked": true,
        "app_metadata": { "plan": "gold" }, "name": "Ann Lee" });
    let hashes = json!({ "_id": { "$oid": "60425da9" }, "email": "ann@test.com", "email_verified": true,
        "passwordHash": BCRYPT, "tenant": "dev", "connection": "Username-Password-Authentication" });
    for (first, second) in [(&profile, &hashes), (&hashes, &profile)] {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("first.json"), format!("{first}\n")).unwrap();
        std::fs::write(folder.path().join("second.json"), format!("{second}\n")).unwrap();
        imported(folder.path(), "auth0", "first.json", &[]);
        let dry = imported(folder.path(), "auth0", "second.json", &["--dry-run"]);
        assert_eq!(first_line(&dry), "0 would be imported, 0 refused, 1 here already (of which 1 would be completed)");
        let said = imported(folder.path(), "auth0", "second.json", &[]);
        assert_eq!(first_line(&said), "0 imported, 0 refused, 1 here already (of which 1 completed)");
        let ann = only(folder.path());
        let values = (&ann["passwordHash"], &ann["firstName"], &ann["emailVerified"], &ann["isActive"]);
        assert_eq!(values, (&json!(BCRYPT), &json!("Ann"), &json!(true), &json!(false)));
        assert_eq!(
            (&ann["dateJoined"], &ann["lastLogin"]),
            (&json!("2021-03-05T16:34:49.502Z"), &json!("2022-01-01T00:00:00Z"))
        );
        let metadata = json!({ "_auth0": { "user_id": "auth0|60425da9" }, "_app_metadata": { "plan": "gold" } });
        assert_eq!(ann["metadata"], metadata);
    }
}

/// Nobody who was changed here gets a password or a name from a file.
#[tokio::test]
async fn a_user_who_was_changed_since_the_import_is_not_completed() {
    let test = TestApp::new().await;
    let with_id = |record: Record| Record { id: Some("auth0|1".to_owned()), ..record };
    let completed = async |name: &str, record: Record| {
        let mut import = Import::open(&test.app, name, Writing::Commit, Existing::Complete).await.unwrap();
        let batch = Batch { rows: vec![row("1", with_id(record))], position: "end".to_owned() };
        import.write(&test.app, &batch.prepare(&test.app, UnusableHash::Refuse)).await.unwrap();
        import.settle(&test.app).await.unwrap();
        (import.imported(), import.completed())
    };
    assert_eq!(completed("first", record("ann@test.com", "")).await, (1, 0));
    let named = Record { first_name: "Ann".to_owned(), ..record("ann@test.com", "") };
    assert_eq!(completed("second", named).await, (0, 1));
    assert_eq!(completed("third", record("ann@test.com", BCRYPT)).await, (0, 0));
    let events = audit_events::Entity::find().all(&test.app.db).await.unwrap();
    let recorded: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(recorded, ["user.import"]);
    let waiting = mails::Entity::find().all(&test.app.db).await.unwrap();
    assert!(waiting.is_empty(), "no mail is sent about it");
}
