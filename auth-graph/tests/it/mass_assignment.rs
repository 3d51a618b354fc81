//! Mass assignment: fields that no public input may set, checked against the schema.

use std::collections::{BTreeMap, BTreeSet};

use auth_graph::graphql::federation_sdl;
use engine::accounts::Rank;
use model::config::Part;
use serde_json::{Value, json};
use subgraph::Directives;

use crate::federation::root_fields;
use crate::support::{PASSWORD, TestApp, operation};

/// Fields that only administrators may set.
const RESERVED: [&str; 14] = [
    "dateJoined",
    "deletedAt",
    "emailVerified",
    "isActive",
    "isStaff",
    "isSuperuser",
    "lastLogin",
    "metadata",
    "passwordHash",
    "privateMetadata",
    "role",
    "roles",
    "scopes",
    "version",
];

const INTROSPECTION: &str = "{ __schema {
    mutationType { fields { name args { name type { ...T } } } }
    types { kind name inputFields { name type { ...T } } } } }
    fragment T on __Type { name ofType { name ofType { name ofType { name } } } }";

/// Returns the name of a type without its list and non-null wrappers.
fn named(kind: &Value) -> String {
    match kind["name"].as_str() {
        Some(name) => name.to_owned(),
        None => named(&kind["ofType"]),
    }
}

/// Returns every name and type in a list of arguments or members.
fn members(list: &Value) -> Vec<(String, String)> {
    let list = list.as_array().into_iter().flatten();
    list.map(|member| (member["name"].as_str().unwrap().to_owned(), named(&member["type"]))).collect()
}

/// authorizer, schema comment: the sign-up of another server accepted the roles of the new user in its input.
#[tokio::test]
async fn authorizer_schema_comment_no_public_input_sets_reserved_fields() {
    let test = TestApp::new().await;
    let answer = test.anonymous().send(INTROSPECTION, json!({})).await;
    let schema = answer.data("__schema");
    let inputs: BTreeMap<String, Vec<(String, String)>> = schema["types"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|kind| kind["kind"] == "INPUT_OBJECT")
        .map(|kind| (kind["name"].as_str().unwrap().to_owned(), members(&kind["inputFields"])))
        .collect();
    let sdl = federation_sdl(Part::Full, Directives::Included);
    let administrative: BTreeSet<String> = root_fields(&sdl)
        .into_iter()
        .filter(|(_, _, declaration)| declaration.contains("@requiresScopes"))
        .map(|(_, field, _)| field)
        .collect();
    let mut looked_at = BTreeSet::new();
    for field in schema["mutationType"]["fields"].as_array().unwrap() {
        let mutation = field["name"].as_str().unwrap();
        if administrative.contains(mutation) {
            continue;
        }
        let mut waiting = members(&field["args"]);
        // This mutation sets metadata on purpose, and checks which keys users may set.
        waiting.retain(|(name, _)| (mutation, name.as_str()) != ("setMetadata", "metadata"));
        while let Some((name, kind)) = waiting.pop() {
            assert!(!RESERVED.contains(&name.as_str()), "{mutation} takes {name}");
            if let Some(members) = inputs.get(&kind) {
                looked_at.insert(kind.clone());
                waiting.extend(members.clone());
            }
        }
    }
    for known in ["LoginInput", "RegisterInput", "UpdateProfileInput", "ChangeEmailInput", "ResetPasswordInput"] {
        assert!(looked_at.contains(known), "{looked_at:?}");
    }
    assert!(!looked_at.contains("UpdateUserInput") && administrative.contains("updateUser"), "that is how to do it");
}

#[tokio::test]
async fn unknown_fields_of_an_input_are_rejected_and_not_ignored() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    for (operation, input) in [
        (operation!("register"), json!({ "email": "eve@test.com", "password": PASSWORD, "isSuperuser": true })),
        (operation!("register"), json!({ "email": "eve@test.com", "password": PASSWORD, "roles": ["superuser"] })),
        (operation!("update_profile"), json!({ "firstName": "Ada", "isStaff": true })),
        (operation!("update_profile"), json!({ "scopes": ["users:write"] })),
    ] {
        let refused = ada.caller.send(operation, json!({ "input": input })).await;
        assert_eq!(refused.code(), "GRAPHQL_VALIDATION_FAILED", "{input}");
    }
    assert_eq!(ada.caller.me().await.data("me")["roles"], json!([]));
}
