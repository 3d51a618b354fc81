//! The change feed, from which other services learn about users and sessions.

use auth_graph::tasks;
use chrono::Duration;
use engine::accounts::{Deletion, Rank};
use engine::callers::Actor;
use engine::{administration, clients, purge};
use model::values::ClientId;
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};
use store::{change_head, changes};

use crate::support::{Caller, TestApp, operation};

async fn read(caller: &Caller, after: &Value) -> Value {
    caller.send(operation!("user_changes"), json!({ "after": after })).await.data("userChanges").clone()
}

fn kinds(page: &Value) -> Vec<&str> {
    page["nodes"].as_array().unwrap().iter().map(|change| change["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn changes_come_in_order_with_the_user_as_they_are_now() {
    let test = TestApp::new().await;
    let caller = test.feed_reader().await;
    let signed_in = test.signed_in("ada@test.com", Rank::Staff).await;
    test.disable(signed_in.user.id).await;
    let page = read(&caller, &Value::Null).await;
    assert_eq!(kinds(&page), ["USER_CREATED", "SESSION_REVOKED", "USER_UPDATED"]);
    let [made, ended, disabled] = [0, 1, 2].map(|index| &page["nodes"][index]);
    assert_eq!(made["user"], disabled["user"]);
    assert_eq!((&made["user"]["version"], &made["user"]["isActive"]), (&json!(2), &json!(false)));
    assert_eq!(made["user"]["scopes"], json!(["users:read"]));
    assert_eq!(ended["revocation"]["userId"], json!(signed_in.user.id));
    assert_eq!(ended["user"], Value::Null);
    let rest = read(&caller, &made["cursor"]).await;
    assert_eq!(kinds(&rest), ["SESSION_REVOKED", "USER_UPDATED"]);
    assert_eq!(read(&caller, &disabled["cursor"]).await["nodes"], json!([]));
    assert!(!page.to_string().contains("argon2"));
}

#[tokio::test]
async fn pages_join_without_a_gap_around_hidden_changes() {
    let test = TestApp::new().await;
    let caller = test.feed_reader().await;
    for number in 0..4 {
        test.create_user(&format!("user{number}@test.com")).await;
        let txn = store::begin(&test.app.db).await.unwrap();
        let kind = changes::Kind::ClientSecretChanged;
        changes::append_client(&txn, kind, ClientId::generate(test.app.clock.now()), test.app.clock.now())
            .await
            .unwrap();
        txn.commit().await.unwrap();
    }
    let (mut after, mut seen) = (Value::Null, Vec::new());
    loop {
        let answer = caller.send(operation!("user_changes"), json!({ "after": after, "first": 2 })).await;
        let page = answer.data("userChanges");
        seen.extend(page["nodes"].as_array().unwrap().iter().map(|change| change["user"]["email"].to_string()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let expected: Vec<_> = (0..4).map(|number| format!("\"user{number}@test.com\"")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_cursor_older_than_the_retention_has_expired() {
    let test = TestApp::new().await;
    let client = test.service_client("reader", "feed:read").await;
    test.create_user("ada@test.com").await;
    let first = read(&test.bearer(&client.token().await), &Value::Null).await["nodes"][0]["cursor"].clone();
    test.create_user("bob@test.com").await;
    test.app.clock.advance(Duration::days(8));
    test.create_user("cid@test.com").await;
    purge(&test.app, test.app.clock.now()).await.unwrap();
    let caller = test.bearer(&client.token().await);
    let refused = caller.send(operation!("user_changes"), json!({ "after": first })).await;
    assert_eq!(refused.code(), "CURSOR_EXPIRED");
    let refused = caller.send(operation!("follow_user_changes"), json!({ "after": first }));
    assert_eq!(refused.await.code(), "GRAPHQL_VALIDATION_FAILED", "not without events");
    assert_eq!(read(&caller, &Value::Null).await["nodes"].as_array().unwrap().len(), 1, "the oldest kept");
    let snapshots = caller.send(operation!("user_snapshots"), json!({})).await;
    let snapshots = snapshots.data("userSnapshots");
    assert_eq!(snapshots["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(read(&caller, &snapshots["feedCursor"]).await["nodes"], json!([]));
}

#[tokio::test]
async fn a_cursor_beyond_the_end_of_a_restored_database_has_expired() {
    let test = TestApp::new().await;
    let caller = test.feed_reader().await;
    test.create_user("ada@test.com").await;
    let cursor = read(&caller, &Value::Null).await["nodes"][0]["cursor"].clone();
    changes::Entity::delete_many().exec(&test.app.db).await.unwrap();
    let set_back = change_head::Entity::update_many().col_expr(change_head::Column::Position, Expr::value(0));
    set_back.exec(&test.app.db).await.unwrap();
    let refused = caller.send(operation!("user_changes"), json!({ "after": cursor })).await;
    assert_eq!(refused.code(), "CURSOR_EXPIRED");
}

#[tokio::test]
async fn a_forged_or_foreign_cursor_is_rejected() {
    let test = TestApp::new().await;
    let caller = test.feed_reader().await;
    test.create_user("ada@test.com").await;
    let page = caller.send(operation!("user_snapshots"), json!({})).await;
    let foreign = page.data("userSnapshots")["pageInfo"]["endCursor"].clone();
    for after in [foreign, json!(""), json!("AAAA"), json!("A".repeat(64))] {
        for operation in [operation!("user_changes"), operation!("revocations")] {
            assert_eq!(caller.send(operation, json!({ "after": after })).await.code(), "VALIDATION_FAILED");
        }
    }
    for first in [-1, 1001] {
        let refused = caller.send(operation!("user_snapshots"), json!({ "first": first })).await;
        assert_eq!(refused.code(), "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn a_deleted_user_is_a_tombstone() {
    let test = TestApp::new().await;
    let caller = test.feed_reader().await;
    let user = test.create_user("ada@test.com").await;
    administration::delete(&test.app, &Actor::operator(), user.id, Deletion::ForGood, None).await.unwrap();
    let page = read(&caller, &Value::Null).await;
    assert_eq!(kinds(&page), ["USER_CREATED", "USER_DELETED"]);
    let listed = caller.send(operation!("user_snapshots"), json!({})).await;
    let snapshot = &listed.data("userSnapshots")["nodes"][0];
    assert_eq!(snapshot, &page["nodes"][1]["user"]);
    assert!(snapshot["deletedAt"].is_string() && snapshot["email"].is_null() && snapshot["metadata"].is_null());
    assert_eq!((&snapshot["version"], &snapshot["isActive"]), (&json!(2), &json!(false)));
}

#[tokio::test]
async fn revocations_are_listed_while_they_can_matter() {
    let test = TestApp::new().await;
    let old = test.signed_in("old@test.com", Rank::User).await;
    test.anonymous().logout(&old.refresh).await.data("logout");
    test.app.clock.advance(Duration::minutes(6));
    let caller = test.feed_reader().await;
    let ended = test.signed_in("ada@test.com", Rank::User).await;
    test.anonymous().logout(&ended.refresh).await.data("logout");
    let other = test.service_client("other", "users:read").await;
    let token = other.token().await;
    other.caller.form("/oauth/revoke", &[("token", &token)]).await;
    clients::disable(&test.app, &Actor::operator(), other.id).await.unwrap();
    let answer = caller.send(operation!("revocations"), json!({})).await;
    let found = answer.data("revocations")["nodes"].as_array().unwrap();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0]["userId"], json!(ended.user.id));
    assert!(found[1]["tokenId"].is_string() && found[1]["sessionId"].is_null());
    assert_eq!((&found[2]["sessionId"], &found[2]["userId"]), (&json!(other.id), &Value::Null));
}

#[tokio::test]
async fn the_feed_needs_its_scope() {
    let test = TestApp::new().await;
    let user = test.signed_in("ada@test.com", Rank::Staff).await;
    for operation in [operation!("user_changes"), operation!("user_snapshots"), operation!("revocations")] {
        assert_eq!(test.anonymous().send(operation, json!({})).await.code(), "UNAUTHENTICATED");
        assert_eq!(user.caller.send(operation, json!({})).await.code(), "FORBIDDEN");
    }
    let _tasks = tasks::spawn(&test.app);
    let mut events = crate::support::Events::open(&user.caller, json!({})).await;
    assert_eq!(events.next_code().await, "FORBIDDEN");
    assert!(events.is_complete().await);
}
