//! Metadata of users: its readers, and its schemas.

use std::path::PathBuf;

use engine::accounts::Rank;
use engine::transfer::Record;
use model::config::{Config, Sources};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::import::import;
use crate::support::{TestApp, operation};

const UPDATE: &str = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id metadata } } }";
const PRIVATE: &str = "query($id: ID!) { privateMetadata(userId: $id) }";

fn schema(folder: &TempDir, schema: &str) -> PathBuf {
    let path = folder.path().join("schema.json");
    std::fs::write(&path, schema).unwrap();
    path
}

fn plans(folder: &TempDir) -> PathBuf {
    let plans = json!({
        "type": "object",
        "properties": { "billing": { "type": "object", "properties": { "plan": { "enum": ["free", "gold"] } } } },
        "additionalProperties": false,
    });
    schema(folder, &plans.to_string())
}

#[tokio::test]
async fn only_administrators_see_private_metadata() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let staff = test.signed_in("staff@test.com", Rank::Staff).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let id = json!({ "id": ada.user.id.to_string() });
    let input = json!({ "input": { "id": id["id"], "privateMetadata": { "risk": "high" } } });
    root.caller.send(UPDATE, input.clone()).await.data("updateUser");
    assert_eq!(staff.caller.send(PRIVATE, id.clone()).await.data("privateMetadata"), &json!({ "risk": "high" }));
    assert_eq!(ada.caller.send(PRIVATE, id.clone()).await.code(), "FORBIDDEN");
    assert_eq!(ada.caller.send(UPDATE, input).await.code(), "FORBIDDEN");
    let seen = ada.caller.send("{ me { metadata } }", json!({})).await;
    assert_eq!(seen.data("me")["metadata"], json!({}));
    let reader = test.service_client("mirror", "feed:read").await;
    let reader = test.bearer(&reader.token().await);
    let received = reader.send(operation!("user_snapshots"), json!({})).await;
    assert!(!received.text.contains("risk"), "{}", received.text);
    let auditor = test.service_client("auditor", "audit:read").await;
    let auditor = test.bearer(&auditor.token().await);
    let recorded = auditor.send("{ auditEvents { edges { node { action after } } } }", json!({})).await;
    let mut events = recorded.data("auditEvents")["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]);
    let event = events.find(|event| event["action"] == "user.update").unwrap();
    assert_eq!(event["after"], json!({ "privateMetadata": "(not recorded)" }));
    assert!(!recorded.text.contains("risk"), "{}", recorded.text);
}

/// A user could fill the disk with records of what they change.
#[tokio::test]
async fn a_change_of_long_metadata_is_recorded_within_bounds() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    for letter in ["a", "b"] {
        let metadata = json!({ "metadata": { "note": letter.repeat(16_000), "theme": letter } });
        ada.caller.send(operation!("set_metadata"), metadata).await.data("setMetadata");
    }
    let recorded = store::audit_events::Entity::find().all(&test.app.db).await.unwrap();
    let last = recorded.iter().max_by_key(|event| event.id.0).unwrap();
    let expected = |theme: &str| Some(json!({ "metadata": { "note": "(16002 bytes)", "theme": theme } }));
    assert_eq!((&last.before, &last.after), (&expected("a"), &expected("b")));
}

#[tokio::test]
async fn metadata_must_match_its_schema_and_an_error_names_the_place() {
    let folder = TempDir::new().unwrap();
    let test = TestApp::with(|config| {
        config.accounts.metadata_schema = plans(&folder);
        config.accounts.private_metadata_schema = plans(&folder);
    })
    .await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let set =
        async |metadata: Value| ada.caller.send(operation!("set_metadata"), json!({ "metadata": metadata })).await;
    set(json!({ "billing": { "plan": "gold" } })).await.data("setMetadata");
    let refused = set(json!({ "billing": { "plan": "my secret plan" } })).await;
    assert_eq!(refused.code(), "VALIDATION_FAILED");
    assert_eq!(refused.error()["extensions"]["field"], "metadata/billing/plan");
    assert!(!refused.text.contains("my secret plan"), "{}", refused.text);
    assert_eq!(set(json!({ "other": 1 })).await.error()["extensions"]["field"], "metadata");
    for field in ["metadata", "privateMetadata"] {
        let mut input = json!({ "id": ada.user.id.to_string() });
        input[field] = json!({ "billing": { "plan": 1 } });
        let refused = root.caller.send(UPDATE, json!({ "input": input })).await;
        assert_eq!(refused.error()["extensions"]["field"], format!("{field}/billing/plan"));
    }
    let record = Record {
        email: "old@test.com".to_owned(),
        metadata: [("other".to_owned(), json!(1))].into(),
        ..Record::default()
    };
    assert_eq!(import(&test.app, "one", vec![record]).await, ["0 INVALID_METADATA"]);
}

#[test]
fn an_invalid_schema_prevents_the_start_and_no_schema_is_fetched() {
    let folder = TempDir::new().unwrap();
    let problem = |path: PathBuf| {
        let flags = vec![("accounts.metadata_schema".to_owned(), path.display().to_string())];
        Config::load(&Sources { flags, ..Sources::default() }).unwrap_err().to_string()
    };
    assert!(problem(folder.path().join("nowhere")).contains("accounts.metadata_schema: cannot be read"));
    assert!(problem(schema(&folder, "{")).contains("is not JSON"));
    assert!(problem(schema(&folder, r#"{"type":"nothing"}"#)).contains("is not a JSON Schema"));
    for elsewhere in [r#"{"$ref":"http://127.0.0.1:1/schema.json"}"#, r#"{"$ref":"file:///etc/hostname"}"#] {
        assert!(problem(schema(&folder, elsewhere)).contains("is not a JSON Schema"), "{elsewhere}");
    }
}
