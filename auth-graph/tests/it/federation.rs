//! Entities: a gateway gets no more than the caller would.

use auth_graph::auth::accounts::Rank;
use serde_json::{Value, json};

use crate::support::{Caller, TestApp};

const ENTITIES: &str = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id email metadata } } }";

async fn entities(caller: &Caller, ids: &[String]) -> Value {
    let representations: Vec<Value> = ids.iter().map(|id| json!({ "__typename": "User", "id": id })).collect();
    caller.send(ENTITIES, json!({ "r": representations })).await.data("_entities").clone()
}

#[tokio::test]
async fn entities_obey_the_rule_of_user() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let eve = test.create_user("eve@test.com").await;
    let staff = test.signed_in("staff@test.com", Rank::Staff).await;
    let ids = [ada.user.id.to_string(), eve.id.to_string(), "00000000-0000-7000-8000-000000000000".to_owned()];
    let seen = |answer: Value| answer.as_array().unwrap().iter().map(|user| !user.is_null()).collect::<Vec<_>>();
    assert_eq!(seen(entities(&test.anonymous(), &ids).await), [false, false, false]);
    assert_eq!(seen(entities(&ada.caller, &ids).await), [true, false, false]);
    assert_eq!(seen(entities(&staff.caller, &ids).await), [true, true, false]);
}

#[tokio::test]
async fn garbage_representations_have_a_code() {
    let test = TestApp::new().await;
    for representation in [
        json!({ "__typename": "User" }),
        json!({ "__typename": "Nobody", "id": "x" }),
        json!({ "id": "x" }),
        json!({ "__typename": "User", "id": { "a": 1 } }),
        json!(1),
        json!(null),
    ] {
        let answer = test.anonymous().send(ENTITIES, json!({ "r": [representation] })).await;
        assert!(answer.status.as_u16() < 500);
        if !answer.body["errors"].is_null() {
            answer.code();
        }
    }
}

#[tokio::test]
async fn the_subgraph_tells_its_schema_to_a_composer() {
    let test = TestApp::new().await;
    let answer = test.anonymous().send("{ _service { sdl } }", json!({})).await;
    let sdl = answer.data("_service")["sdl"].as_str().unwrap();
    assert!(sdl.contains("type User @key(fields: \"id\")"));
}
