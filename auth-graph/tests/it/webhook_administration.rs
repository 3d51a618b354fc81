//! Webhook endpoints: creating and administering them through the API and the command line.

use std::path::Path;

use engine::accounts::Rank;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use store::webhooks as stored;
use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::support::{CREATE_WEBHOOK, LIST_WEBHOOKS, Site, TestApp, WEBHOOK_LOG, operation};

const UPDATE: &str = "mutation($input: UpdateWebhookInput!) { updateWebhook(input: $input) { webhook { url description
    eventTypes } } }";
const REPLAY: &str = "mutation($input: ReplayWebhookInput!) { replayWebhook(input: $input) { replayed } }";
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Every mutation about one endpoint.
const MUTATIONS: [&str; 5] = [
    "mutation($id: ID!) { rotateWebhookSecret(id: $id) { secret } }",
    "mutation($id: ID!) { disableWebhook(id: $id) { webhook { id } } }",
    "mutation($id: ID!) { enableWebhook(id: $id) { webhook { id } } }",
    "mutation($id: ID!) { deleteWebhook(id: $id) { id } }",
    "mutation($id: ID!) { replayWebhookDelivery(id: $id) { delivery { id } } }",
];

#[tokio::test]
async fn an_endpoint_is_created_changed_disabled_enabled_and_deleted_and_each_step_is_recorded() {
    let site = Site::with(|_| {}, json!({ "description": " the shop ", "eventTypes": ["user.created"] })).await;
    assert!(site.secret.starts_with("whsec_"));
    let made = site.webhook().await;
    assert_eq!((&made["description"], &made["eventTypes"]), (&json!("the shop"), &json!(["user.created"])));
    assert_eq!(made["url"], site.hook.url);
    assert!(made["disabledAt"].is_null() && made["failingSince"].is_null());

    let input = json!({ "id": site.id, "description": "", "url": format!("{}?a=b", site.hook.url) });
    let updated = site.root().await.send(UPDATE, json!({ "input": input })).await;
    let updated = &updated.data("updateWebhook")["webhook"];
    assert_eq!((&updated["description"], &updated["eventTypes"]), (&json!(""), &json!(["user.created"])));
    for (mutation, disabled) in [("disableWebhook", true), ("disableWebhook", true), ("enableWebhook", false)] {
        let webhook = &site.mutate(mutation, "webhook { disabledAt }").await["webhook"];
        assert_eq!(webhook["disabledAt"].is_string(), disabled, "{mutation}");
    }
    let rotated = site.mutate("rotateWebhookSecret", "secret").await["secret"].as_str().unwrap().to_owned();
    site.mutate("deleteWebhook", "id").await;
    assert_eq!(site.root().await.send(LIST_WEBHOOKS, json!({})).await.data("webhooks"), &json!([]));

    let filter = json!({ "filter": { "targetId": site.id } });
    let events = site.root().await.send(operation!("audit_events"), filter).await;
    let edges = events.data("auditEvents")["edges"].as_array().unwrap();
    let actions: Vec<&str> = edges.iter().map(|edge| edge["node"]["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["delete", "rotate_secret", "enable", "disable", "update", "create"].map(|verb| format!("webhook.{verb}"))
    );
    assert!(!events.text.contains(&site.secret) && !events.text.contains(&rotated));
}

#[tokio::test]
async fn invalid_input_creates_no_endpoint() {
    let site = Site::new().await;
    let root = site.root().await;
    let url = &site.hook.url;
    for input in [
        json!({ "url": url, "eventTypes": ["user.exploded"] }),
        json!({ "url": url, "eventTypes": ["USER_CREATED"] }),
        json!({ "url": url, "description": "a".repeat(201) }),
        json!({ "url": url, "description": "a\u{0}" }),
        json!({ "url": format!("{url}?{}", "a".repeat(2048)) }),
    ] {
        let answer = root.send(CREATE_WEBHOOK, json!({ "input": input })).await;
        assert_eq!(answer.code(), "VALIDATION_FAILED", "{input}");
    }
    for mutation in MUTATIONS {
        assert_eq!(root.send(mutation, json!({ "id": NOBODY })).await.code(), "NOT_FOUND", "{mutation}");
        assert_eq!(root.send(mutation, json!({ "id": "x" })).await.code(), "VALIDATION_FAILED");
    }
    assert_eq!(root.send(WEBHOOK_LOG, json!({ "id": NOBODY })).await.code(), "NOT_FOUND");
    assert_eq!(root.send(WEBHOOK_LOG, json!({ "id": site.id, "first": 101 })).await.code(), "VALIDATION_FAILED");
    assert_eq!(root.send(WEBHOOK_LOG, json!({ "id": site.id, "after": "AAAA" })).await.code(), "VALIDATION_FAILED");
    site.mutate("disableWebhook", "webhook { id }").await;
    let replay = json!({ "input": { "id": site.id, "since": "2026-01-01T00:00:00Z" } });
    assert_eq!(root.send(REPLAY, replay).await.code(), "CONFLICT", "a disabled endpoint is not notified");
}

/// An endpoint receives everything that the feed contains, so that its creator must be allowed to read the feed.
#[tokio::test]
async fn each_operation_requires_its_scopes() {
    let site = Site::new().await;
    let staff = site.test.signed_in("staff@test.com", Rank::Staff).await.caller;
    let mut callers = vec![(site.test.anonymous(), "UNAUTHENTICATED"), (staff, "FORBIDDEN")];
    for scopes in ["webhooks:read feed:read", "webhooks:write", "webhooks:write users:read"] {
        let client = site.test.service_client(scopes, scopes).await;
        callers.push((site.test.bearer(&client.token().await), "FORBIDDEN"));
    }
    let (id, since) = (&site.id, "2026-01-01T00:00:00Z");
    for (caller, code) in &callers {
        let create = json!({ "input": { "url": site.hook.url } });
        assert_eq!(caller.send(CREATE_WEBHOOK, create).await.code(), *code);
        assert_eq!(caller.send(UPDATE, json!({ "input": { "id": id, "description": "x" } })).await.code(), *code);
        assert_eq!(caller.send(REPLAY, json!({ "input": { "id": id, "since": since } })).await.code(), *code);
        for mutation in MUTATIONS {
            assert_eq!(caller.send(mutation, json!({ "id": id })).await.code(), *code, "{mutation}");
        }
    }
    for (caller, code) in &callers[..2] {
        assert_eq!(caller.send(LIST_WEBHOOKS, json!({})).await.code(), *code);
        assert_eq!(caller.send(WEBHOOK_LOG, json!({ "id": id })).await.code(), *code);
    }
    let reader = &callers[2].0;
    assert_eq!(reader.send(LIST_WEBHOOKS, json!({})).await.data("webhooks")[0]["id"], *id);
    let writer = site.test.service_client("writer", "webhooks:write feed:read").await;
    let writer = site.test.bearer(&writer.token().await);
    writer.send(UPDATE, json!({ "input": { "id": id, "description": "x" } })).await.data("updateWebhook");
}

#[tokio::test]
async fn pages_of_the_log_follow_each_other() {
    let site = Site::new().await;
    for number in 0..3 {
        site.test.create_user(&format!("user{number}@test.com")).await;
    }
    site.deliveries().await;
    let root = site.root().await;
    let page = async |after: Value| {
        let answer = root.send(WEBHOOK_LOG, json!({ "id": site.id, "first": 2, "after": after })).await;
        answer.data("webhookDeliveries").clone()
    };
    let first = page(Value::Null).await;
    assert_eq!((first["edges"].as_array().unwrap().len(), &first["pageInfo"]["hasNextPage"]), (2, &json!(true)));
    let second = page(first["pageInfo"]["endCursor"].clone()).await;
    assert_eq!((second["edges"].as_array().unwrap().len(), &second["pageInfo"]["hasNextPage"]), (1, &json!(false)));
    for (state, count) in [("DELIVERED", 3), ("WAITING", 0), ("DEAD", 0)] {
        let answer = root.send(WEBHOOK_LOG, json!({ "id": site.id, "state": state })).await;
        assert_eq!(answer.data("webhookDeliveries")["edges"].as_array().unwrap().len(), count, "{state}");
    }
}

#[tokio::test]
async fn debug_texts_contain_no_secrets() {
    let site = Site::new().await;
    let row = stored::Entity::find().all(&site.test.app.db).await.unwrap().remove(0);
    assert!(!format!("{row:?}").contains("secret"));
    let test = TestApp::new().await;
    assert!(format!("{:?}", test.app.webhooks.secrets).len() < 200);
}

fn output(folder: &Path, arguments: &[&str]) -> String {
    let arguments = [&["--set", "webhooks.allow_loopback=true", "webhook"], arguments].concat();
    let output = run(folder, &arguments, "");
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_command_line_has_the_same_operations() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let url = "https://hooks.example.com/";
    let made = output(folder, &["create", url, "--event", "user.created", "--event", "user.deleted"]);
    let lines: Vec<&str> = made.lines().collect();
    let [id, secret] = lines[..] else { panic!("{made}") };
    let (id, secret) = (id.strip_prefix("webhook_id=").unwrap(), secret.strip_prefix("webhook_secret=").unwrap());
    assert!(secret.starts_with("whsec_"));
    assert_eq!(output(folder, &["list"]), format!("{id} {url} (active) events: user.created user.deleted\n"));
    let updated = output(folder, &["update", id, "--event", "all", "--description", "the shop"]);
    assert_eq!(updated, format!("{id} {url} (active) events: all the shop\n"));
    assert!(!output(folder, &["rotate-secret", id]).contains(secret));
    assert!(output(folder, &["disable", id]).contains("(disabled)"));
    assert!(output(folder, &["enable", id]).contains("(active)"));
    assert!(run(folder, &["user", "create", "ada@test.com", "--no-password"], "").status.success());
    assert_eq!(output(folder, &["replay", "since", "2026-01-01T00:00:00Z", id]), "0 scheduled again\n");
    assert_eq!(output(folder, &["deliveries", id, "--state", "dead"]), "");
    assert_eq!(output(folder, &["delete", id]), "");
    assert_eq!(output(folder, &["list"]), "");
    for wrong in [vec!["create", "http://hooks.example.com/"], vec!["delete", id], vec!["replay", "delivery", id]] {
        assert!(!run(folder, &[&["webhook"], &wrong[..]].concat(), "").status.success(), "{wrong:?}");
    }
}
