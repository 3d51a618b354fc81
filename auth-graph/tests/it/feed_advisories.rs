//! Faults of other systems that keep copies of users, each under its public name. Tests that need the client library
//! are in `client-graph`.

use engine::accounts::Rank;
use engine::administration;
use engine::callers::Actor;
use model::values::Scopes;
use serde_json::{Value, json};

use crate::support::{Site, TestApp};

/// Users were copied when they signed in, so that other users could not be selected, referred to, or given a
/// permission.
#[tokio::test]
async fn laravel_keycloak_web_guard_35_jhipster_14963_and_dsek_196_users_who_never_signed_in_are_included() {
    let test = TestApp::new().await;
    let ada = test.create_user("ada@test.com").await;
    let caller = test.feed_reader().await;
    assert!(ada.last_login.is_none());
    assert_eq!(caller.snapshots().await["nodes"][0]["id"], json!(ada.id));
    assert_eq!(caller.changes(&Value::Null).await[0]["user"]["id"], json!(ada.id));
}

/// Copies that were made in different ways had different content.
#[tokio::test]
async fn jhipster_7424_every_way_to_a_copy_has_the_same_content() {
    let site = Site::new().await;
    let caller = site.test.feed_reader().await;
    let from = caller.snapshots().await["feedCursor"].clone();
    site.test.create("ada@test.com", Rank::Staff).await;
    let received = site.deliveries().await.remove(0).json()["data"]["user"].clone();
    let change = caller.changes(&from).await[0]["user"].clone();
    let snapshot = caller.snapshots().await["nodes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(change, snapshot);
    let names = |user: &Value| user.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&received), names(&snapshot));
    for field in ["id", "version", "email", "roles", "scopes", "metadata", "isStaff"] {
        assert_eq!(received[field], snapshot[field], "{field}");
    }
}

/// A copy was made only if its service was running when the user was created.
#[tokio::test]
async fn alkem_io_5586_changes_during_an_outage_reach_a_copy_later() {
    let test = TestApp::new().await;
    let caller = test.feed_reader().await;
    let left_at = caller.snapshots().await["feedCursor"].clone();
    let created: Vec<Value> = [test.create_user("ada@test.com").await, test.create_user("bob@test.com").await]
        .iter()
        .map(|user| json!(user.id))
        .collect();
    let found = caller.changes(&left_at).await;
    let received: Vec<Value> = found.iter().map(|change| change["user"]["id"].clone()).collect();
    assert_eq!(received, created);
}

/// A change of groups waited for the hourly run. dwyl/auth#121: services had the roles of months ago, and could not
/// request current ones.
#[tokio::test]
async fn authentik_25291_and_23645_a_change_of_roles_is_a_change() {
    let sells = Scopes::parse("orders:sell").unwrap();
    let test = TestApp::with(|config| drop(config.roles.insert("seller".to_owned(), sells))).await;
    let caller = test.feed_reader().await;
    let ada = test.create_user("ada@test.com").await;
    let from = caller.snapshots().await["feedCursor"].clone();
    let (roles, none) = (vec!["seller".to_owned()], Scopes::default());
    administration::set_roles(&test.app, &Actor::operator(), ada.id, roles, none.clone()).await.unwrap();
    let given = caller.changes(&from).await.remove(0);
    assert_eq!((&given["kind"], &given["user"]["roles"]), (&json!("USER_UPDATED"), &json!(["seller"])));
    assert_eq!(given["user"]["scopes"], json!(["orders:sell"]));
    assert_eq!(caller.snapshots().await["nodes"][0]["roles"], json!(["seller"]));
    administration::set_roles(&test.app, &Actor::operator(), ada.id, Vec::new(), none).await.unwrap();
    let taken = caller.changes(&given["cursor"]).await.remove(0);
    assert_eq!((&taken["user"]["roles"], &taken["user"]["scopes"]), (&json!([]), &json!([])));
}
