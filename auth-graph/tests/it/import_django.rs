//! Importing users of Django: the rows of one model, and groups and permissions that become roles.

use std::path::Path;

use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::import::{exported, imported};
use crate::support::fresh_database;

const CONFIG: &str = "[roles]\neditor = [\"posts:write\"]\nauthor = []\n";
const MAPPING: &str = "[roles]\neditors = [\"editor\", \"author\"]\n\"blog.add_post\" = [\"author\"]\n";

fn dumped(model: &str, pk: impl Into<Value>, fields: Value) -> Value {
    json!({ "model": model, "pk": pk.into(), "fields": fields })
}

fn user(pk: i64, email: &str, groups: Value) -> Value {
    let fields = json!({ "username": email.split('@').next(), "email": email, "password": "!", "groups": groups,
        "user_permissions": [], "is_active": true, "bio": "" });
    dumped("auth.user", pk, fields)
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn by_email(folder: &Path, name: &str) -> Vec<(String, Value)> {
    let email = |user: &Value| user["email"].as_str().unwrap().to_owned();
    let mut users: Vec<_> = exported(folder).into_iter().map(|user| (email(&user), user[name].clone())).collect();
    users.sort_by(|one, other| one.0.cmp(&other.0));
    users
}

/// A second address of a user, and what a stranger wrote into a contact form, came in as users before, and took the
/// numbers of real ones.
#[test]
fn rows_of_other_models_are_no_users_and_are_counted() {
    let folder = TempDir::new().unwrap();
    let rows = [
        dumped("auth.group", 1, json!({ "name": "editors", "permissions": [] })),
        user(5, "ann@test.com", json!([])),
        dumped("account.emailaddress", 7, json!({ "user": 5, "email": "ann.private@test.com" })),
        dumped("contact.message", 3, json!({ "email": "stranger@test.com", "is_superuser": true })),
        user(7, "bob@test.com", json!([])),
    ];
    for content in [lines(&rows), serde_json::to_string_pretty(&rows).unwrap()] {
        let there = TempDir::new().unwrap();
        std::fs::write(there.path().join("all.json"), content).unwrap();
        let said = text(&imported(there.path(), "django", "all.json", &[]).stdout);
        assert!(said.starts_with("2 imported, 0 refused\n"), "{said}");
        assert!(said.contains("skipped: account.emailaddress (1), auth.group (1), contact.message (1)\n"), "{said}");
        let numbers = [("ann@test.com".to_owned(), json!(5)), ("bob@test.com".to_owned(), json!(7))];
        assert_eq!(by_email(there.path(), "number"), numbers);
    }
    let custom = [
        dumped("account.emailaddress", 7, json!({ "user": 5, "email": "ann.private@test.com" })),
        dumped("users.User", 5, json!({ "email": "ann@test.com", "password": "!", "name": "Ann" })),
    ];
    std::fs::write(folder.path().join("custom.json"), lines(&custom)).unwrap();
    let refused = run(folder.path(), &["import", "--from", "django", "custom.json"], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("look like users: users.user (1). Choose"), "{}", text(&refused.stderr));
    let said = text(&imported(folder.path(), "django", "custom.json", &["--model", "users.User", "--dry-run"]).stdout);
    assert!(said.starts_with("1 would be imported, 0 refused\n"), "{said}");
    assert!(said.contains("columns that were not used: name (1)\n"), "{said}");
}

#[test]
fn groups_and_permissions_of_a_dump_become_roles_or_are_named() {
    let folder = TempDir::new().unwrap();
    let permitted = |pk: i64, email: &str, permissions: Value| {
        let mut row = user(pk, email, json!([]));
        row["fields"]["user_permissions"] = permissions;
        row
    };
    // The users stand before the groups.
    let rows = [
        user(1, "ann@test.com", json!([1, 2])),
        user(2, "ben@test.com", json!([["editors"]])),
        permitted(3, "cat@test.com", json!([8])),
        permitted(4, "dan@test.com", json!([["add_post", "blog", "post"], 9])),
        dumped("contenttypes.contenttype", 4, json!({ "app_label": "blog", "model": "post" })),
        dumped("auth.permission", 8, json!({ "name": "Can add", "content_type": 4, "codename": "add_post" })),
        dumped("auth.permission", 9, json!({ "name": "Can view", "content_type": 4, "codename": "view_post" })),
        dumped("auth.group", 1, json!({ "name": "editors" })),
        dumped("auth.group", 2, json!({ "name": "readers" })),
    ];
    std::fs::write(folder.path().join("all.jsonl"), lines(&rows)).unwrap();
    std::fs::write(folder.path().join("auth.toml"), CONFIG).unwrap();
    std::fs::write(folder.path().join("map.toml"), MAPPING).unwrap();
    let dry = text(&imported(folder.path(), "django", "all.jsonl", &["--dry-run"]).stdout);
    assert!(dry.contains("no role: blog.add_post (2), blog.view_post (1), editors (2), readers (1)\n"), "{dry}");
    let options = ["--config", "auth.toml", "--mapping", "map.toml"];
    let said = text(&imported(folder.path(), "django", "all.jsonl", &options).stdout);
    assert!(said.contains("no role: blog.view_post (1), readers (1)\n"), "{said}");
    let roles: Vec<_> = by_email(folder.path(), "roles").into_iter().map(|(_, roles)| roles).collect();
    let both = json!(["editor", "author"]);
    assert_eq!(roles, [both.clone(), both, json!(["author"]), json!(["author"])]);
}

/// Tables as Django creates them for a custom model, in a schema of their own on PostgreSQL.
#[tokio::test]
async fn groups_of_a_database_become_roles_and_binary_columns_are_not_read() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("django #1.sqlite3");
    let postgres = fresh_database().await;
    let (connected, source, schema, bytes) = match &postgres {
        Some(url) => (url.clone(), url.clone(), "accounts.", "bytea"),
        None => {
            let url = format!("sqlite://{}?mode=rwc", file.display().to_string().replace('#', "%23"));
            (url, file.display().to_string(), "", "blob")
        }
    };
    let db = Database::connect(connected).await.unwrap();
    let mut statements = vec![
        format!("CREATE TABLE {schema}users_user (id integer PRIMARY KEY, email text, password text, avatar {bytes})"),
        format!("CREATE TABLE {schema}users_user_groups (id integer, user_id integer, group_id integer)"),
        format!(
            "CREATE TABLE {schema}users_user_user_permissions (id integer, user_id integer, permission_id integer)"
        ),
        "CREATE TABLE auth_group (id integer, name text)".to_owned(),
        "CREATE TABLE auth_permission (id integer, content_type_id integer, codename text)".to_owned(),
        "CREATE TABLE django_content_type (id integer, app_label text, model text)".to_owned(),
        format!(
            "INSERT INTO {schema}users_user (id, email, password) VALUES (1, 'ann@test.com', '!'), (2, 'ben@test.com', '!')"
        ),
        format!("UPDATE {schema}users_user SET avatar = CAST('x' AS {bytes}) WHERE id = 1"),
        format!("INSERT INTO {schema}users_user_groups VALUES (1, 1, 7), (2, 2, 8)"),
        format!("INSERT INTO {schema}users_user_user_permissions VALUES (1, 2, 3)"),
        "INSERT INTO auth_group VALUES (7, 'editors'), (8, 'readers')".to_owned(),
        "INSERT INTO auth_permission VALUES (3, 4, 'add_post')".to_owned(),
        "INSERT INTO django_content_type VALUES (4, 'blog', 'post')".to_owned(),
    ];
    if postgres.is_some() {
        statements.insert(0, "CREATE SCHEMA accounts".to_owned());
    }
    for statement in statements {
        db.execute_unprepared(&statement).await.unwrap();
    }
    db.close().await.unwrap();
    std::fs::write(folder.path().join("auth.toml"), CONFIG).unwrap();
    std::fs::write(folder.path().join("map.toml"), MAPPING).unwrap();
    let table = format!("{schema}users_user");
    let options = ["--config", "auth.toml", "--mapping", "map.toml", "--table", &table];
    let said = text(&imported(folder.path(), "django", &source, &options).stdout);
    assert!(said.starts_with("2 imported, 0 refused\n"), "{said}");
    assert!(said.contains("columns that were not used: avatar (1)\n"), "{said}");
    assert!(said.contains("no role: readers (1)\n"), "{said}");
    let roles: Vec<_> = by_email(folder.path(), "roles").into_iter().map(|(_, roles)| roles).collect();
    assert_eq!(roles, [json!(["editor", "author"]), json!(["author"])]);
}
