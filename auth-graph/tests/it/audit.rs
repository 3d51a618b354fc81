//! The audit log and the login events: their content, their readers, and that they cannot be changed.

use std::path::Path;

use chrono::Duration;
use engine::accounts::Rank;
use engine::purge;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};
use store::audit_events;
use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::support::{Caller, PASSWORD, TestApp, claims_of, operation};

const DISABLE: &str = "mutation($id: ID!) { disableUser(id: $id, reason: \"left\") { user { id } } }";
const PASSWORDS: &str = "mutation($input: SetUserPasswordInput!) { setUserPassword(input: $input) { user { id } } }";
const MINE: &str = "{ myLoginEvents { edges { node { kind granted code ipAddress userId } } } }";
const STATS: &str = "query($from: DateTime!, $until: DateTime!, $by: LoginStatsPiece!) {
    loginStats(from: $from, until: $until, by: $by) { start kind granted code clientId count } }";

async fn events(caller: &Caller, filter: Value) -> Vec<Value> {
    let answer = caller.send(operation!("audit_events"), json!({ "filter": filter })).await;
    let edges = answer.data("auditEvents")["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

#[tokio::test]
async fn a_change_is_recorded_with_its_actor_reason_and_difference() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.create_user("ada@test.com").await;
    let id = ada.id.to_string();
    let answer = root.caller.clone().with_header("x-request-id", "chosen").send(DISABLE, json!({ "id": id })).await;
    let request = answer.headers["x-request-id"].to_str().unwrap();
    let found = events(&root.caller, json!({ "targetId": id })).await;
    let [event, made] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&made["action"], &made["actorKind"]), (&json!("user.create"), &json!("OPERATOR")));
    assert_eq!(event["action"], "user.disable");
    assert_eq!((&event["before"], &event["after"]), (&json!({ "isActive": true }), &json!({ "isActive": false })));
    assert_eq!((&event["reason"], &event["requestId"]), (&json!("left"), &json!(request)));
    assert_eq!((&event["actorKind"], &event["actorId"]), (&json!("USER"), &json!(root.user.id.to_string())));
    assert_eq!(event["ipAddress"], "192.0.2.1");
    assert!(events(&root.caller, json!({ "action": "user.delete" })).await.is_empty());
    assert_eq!(events(&root.caller, json!({ "actorId": root.user.id.to_string() })).await.len(), 1);
}

#[tokio::test]
async fn passwords_and_their_hashes_are_not_recorded() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.create_user("ada@test.com").await;
    let input = json!({ "id": ada.id.to_string(), "password": "another long password" });
    root.caller.send(PASSWORDS, json!({ "input": input })).await.data("setUserPassword");
    let client = test.service_client("orders", "users:read").await;
    let stored = audit_events::Entity::find().all(&test.app.db).await.unwrap();
    let actions: Vec<&str> = stored.iter().map(|event| event.action.as_str()).collect();
    assert!(actions.contains(&"user.set_password") && actions.contains(&"client.create"), "{actions:?}");
    let all = format!("{stored:?}");
    assert!(!all.contains("another long") && !all.contains("argon2") && !all.contains(&client.secret), "{all}");
}

#[tokio::test]
async fn a_failed_change_is_not_recorded_and_a_record_never_changes() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    assert_eq!(root.caller.send(DISABLE, json!({ "id": root.user.id.to_string() })).await.code(), "CONFLICT");
    assert!(events(&root.caller, json!({ "action": "user.disable" })).await.is_empty());
    test.service_client("orders", "").await;
    assert!(test.app.db.execute_unprepared("UPDATE audit_events SET action = 'nothing'").await.is_err());
    assert_eq!(events(&root.caller, json!({})).await[0]["action"], "client.create");
}

#[tokio::test]
async fn events_are_deleted_after_their_retention_time() {
    let test = TestApp::new().await;
    test.service_client("orders", "").await;
    let count = async || audit_events::Entity::find().all(&test.app.db).await.unwrap().len();
    purge(&test.app, test.app.clock.now()).await.unwrap();
    assert_eq!(count().await, 1);
    test.app.clock.advance(Duration::days(401));
    purge(&test.app, test.app.clock.now()).await.unwrap();
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn pages_of_the_log_follow_each_other_and_foreign_cursors_are_refused() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await.caller;
    for number in 0..3 {
        test.service_client(&format!("client {number}"), "").await;
    }
    let page = async |variables: Value| root.send(operation!("audit_events"), variables).await;
    let first = page(json!({ "first": 2 })).await;
    let first = first.data("auditEvents");
    assert_eq!(first["edges"][0]["node"]["after"]["name"], "client 2", "the latest first");
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let second = page(json!({ "first": 2, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(second.data("auditEvents")["edges"][0]["node"]["after"]["name"], "client 0");
    let users = root.send(operation!("users"), json!({})).await;
    let foreign = users.data("users")["pageInfo"]["endCursor"].clone();
    assert_eq!(page(json!({ "after": foreign })).await.code(), "VALIDATION_FAILED");
    assert_eq!(page(json!({ "filter": { "actorId": "x" } })).await.code(), "VALIDATION_FAILED");
}

#[tokio::test]
async fn sign_ins_are_listed_and_counted() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    test.anonymous().at_address("198.51.100.7").login("ada@test.com", "a wrong password").await;
    let filter = json!({ "filter": { "userId": ada.user.id.to_string(), "granted": false } });
    let listed = root.caller.send(operation!("login_events"), filter).await;
    let listed = listed.data("loginEvents")["edges"].as_array().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["node"]["code"], "INVALID_CREDENTIALS");
    assert_eq!(listed[0]["node"]["ipAddress"], "198.51.100.7");
    let mine = ada.caller.send(MINE, json!({})).await;
    let mine = mine.data("myLoginEvents")["edges"].as_array().unwrap();
    assert!(mine.len() == 2 && mine.iter().all(|edge| edge["node"]["userId"] == ada.user.id.to_string()));

    let now = test.app.clock.now();
    for by in ["HOUR", "DAY"] {
        let range = json!({ "from": now - Duration::days(1), "until": now + Duration::days(1), "by": by });
        let stats = root.caller.send(STATS, range).await;
        let stats = stats.data("loginStats").as_array().unwrap();
        let sum = |granted: bool| -> i64 {
            let counts = stats.iter().filter(|count| count["granted"] == granted);
            counts.map(|count| count["count"].as_i64().unwrap()).sum()
        };
        assert_eq!((sum(true), sum(false)), (2, 1), "{stats:?}");
        assert!(stats.iter().all(|count| count["clientId"] == "first-party"));
    }
    let range = json!({ "from": now - Duration::days(40), "until": now, "by": "HOUR" });
    assert_eq!(root.caller.send(STATS, range).await.code(), "VALIDATION_FAILED");
}

#[tokio::test]
async fn the_logs_require_their_scope() {
    let test = TestApp::new().await;
    let staff = test.signed_in("staff@test.com", Rank::Staff).await.caller;
    for operation in [operation!("audit_events"), operation!("login_events")] {
        assert_eq!(staff.send(operation, json!({})).await.code(), "FORBIDDEN");
        assert_eq!(test.anonymous().send(operation, json!({})).await.code(), "UNAUTHENTICATED");
    }
    assert_eq!(test.anonymous().send(MINE, json!({})).await.code(), "UNAUTHENTICATED");
}

fn output(folder: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(folder, arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_command_line_has_the_operations_of_administrators() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    output(folder, &["user", "create", "root@test.com", "--superuser"], PASSWORD);
    let made = output(folder, &["user", "create", "ada@test.com", "--no-password"], "");
    let id = made.split(' ').next().unwrap();
    output(folder, &["user", "update", "ada@test.com", "--first-name", "Ada", "--staff", "true"], "");
    assert!(output(folder, &["user", "show", id], "").contains("firstName: \"Ada\"\n"));
    output(folder, &["user", "set-roles", id, "--scope", "orders:read"], "");
    output(folder, &["user", "set-password", id], "another long password");
    output(folder, &["user", "force-reset", id, "--reason", "lost"], "");
    assert_eq!(output(folder, &["user", "sessions", id], ""), "");
    assert_eq!(output(folder, &["user", "revoke-sessions", id], ""), "0 ended\n");
    assert!(output(folder, &["user", "disable", "ada@test.com"], "").ends_with("(disabled)\n"));
    assert!(output(folder, &["user", "enable", "ada@test.com"], "").ends_with("(active)\n"));
    assert!(output(folder, &["user", "delete", id, "--reason", "left"], "").ends_with("(deleted)\n"));
    assert_eq!(output(folder, &["user", "list", "--search", "ada"], ""), "");
    assert!(output(folder, &["user", "restore", id], "").ends_with("(active)\n"));
    assert!(output(folder, &["user", "list", "--first", "1"], "").contains("more: --after "));
    output(folder, &["user", "update", id, "--metadata", "{\"plan\":\"gold\"}"], "");
    output(folder, &["user", "create", "king@test.com", "--no-password"], "");
    assert_eq!(output(folder, &["audit", "logins"], ""), "");
    let reason = ["--reason", "ticket 7"];
    let token =
        output(folder, &[&["user", "impersonate", "king@test.com", "--by", "root@test.com"], &reason[..]].concat(), "");
    let claims = claims_of(token.trim());
    let events = output(folder, &["audit", "events", "--user", "king@test.com", "--first", "1"], "");
    let event: Value = serde_json::from_str(&events).unwrap();
    assert_eq!(
        (&event["kind"], &event["granted"], &event["sessionId"]),
        (&json!("IMPERSONATION"), &json!(true), &claims["sid"])
    );
    assert_eq!(output(folder, &["audit", "events", "--user", "root@test.com"], ""), "");
    let root = output(folder, &["user", "search", "root@"], "");
    assert!(root.starts_with(claims["act"]["sub"].as_str().unwrap()), "{claims}");
    let merged = output(folder, &[&["user", "merge", id, "--into", "king@test.com"], &reason[..]].concat(), "");
    assert!(merged.ends_with(" king@test.com (active)\n"), "{merged}");
    assert!(output(folder, &["user", "show", "king@test.com"], "").contains("metadata: {\"plan\":\"gold\"}\n"));
    let registration = ["--set", "accounts.registration=invitation"];
    output(folder, &[&["user", "invite", "new@test.com", "--locale", "de"], &registration[..]].concat(), "");
    let refused = run(folder, &["user", "disable", "root@test.com"], "");
    assert!(!refused.status.success() && text(&refused.stderr).contains("At least one active superuser must remain"));

    let exported = output(folder, &["audit", "export"], "");
    let actions: Vec<String> = exported
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["action"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "create",
        "create",
        "update",
        "set_roles",
        "set_password",
        "force_password_reset",
        "revoke_sessions",
        "disable",
        "enable",
        "delete",
        "restore",
        "update",
        "create",
        "impersonate",
        "merge",
        "merge",
        "invite",
    ];
    assert_eq!(actions, expected.map(|verb| format!("user.{verb}")));
    assert_eq!(output(folder, &["audit", "export", "--action", "user.delete"], "").lines().count(), 1);
}
