//! The change feed as a subscription: subscribers miss no change, and are disconnected when their token ends.

use auth_graph::tasks;
use engine::accounts::Rank;
use engine::callers::Actor;
use engine::clients;
use serde_json::{Value, json};
use store::changes::{self, Kind};

use crate::support::{Events, ServiceClient, TestApp, disable, operation};

async fn reader(test: &TestApp) -> ServiceClient {
    test.service_client("reader", "feed:read").await
}

async fn listen(test: &TestApp, client: &ServiceClient, after: &Value) -> Events {
    Events::open(&test.bearer(&client.token().await), json!({ "after": after })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stianst_76_a_change_reaches_subscribers_at_once_and_those_who_resume() {
    let test = TestApp::new().await;
    let _tasks = tasks::spawn(&test.app);
    let client = reader(&test).await;
    let mut events = listen(&test, &client, &Value::Null).await;
    let current = events.next_of_any_kind().await;
    assert_eq!((&current["kind"], &current["user"]), (&json!("CURRENT"), &Value::Null));
    let user = test.create_user("ada@test.com").await;
    let made = events.next().await;
    assert_eq!((&made["kind"], &made["user"]["id"]), (&json!("USER_CREATED"), &json!(user.id)));
    drop(events);
    test.disable(user.id).await;
    let mut events = listen(&test, &client, &made["cursor"]).await;
    let disabled = events.next().await;
    assert_eq!((&disabled["kind"], &disabled["user"]["isActive"]), (&json!("USER_UPDATED"), &json!(false)));
    assert_eq!(events.next_of_any_kind().await["kind"], "CURRENT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_another_replica_reach_subscribers_here() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let _tasks = tasks::spawn(&test.app);
    let client = reader(&test).await;
    let mut events = listen(&test, &client, &Value::Null).await;
    events.next_of_any_kind().await;
    let user = test.create_user("ada@test.com").await;
    assert_eq!(events.next().await["kind"], "USER_CREATED");
    disable(&replica, user.id).await;
    assert_eq!(events.next().await["kind"], "USER_UPDATED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_who_falls_behind_misses_no_change() {
    const CHANGES: i64 = 3000;
    let test = TestApp::new().await;
    let _tasks = tasks::spawn(&test.app);
    let client = reader(&test).await;
    let user = test.create_user("ada@test.com").await.id;
    let mut events = listen(&test, &client, &Value::Null).await;
    assert_eq!(events.next_of_any_kind().await["kind"], "CURRENT");
    // The subscriber reads nothing meanwhile, and misses more changes than the channel keeps.
    let txn = store::begin(&test.app.db).await.unwrap();
    for version in 0..CHANGES {
        changes::append_user(&txn, Kind::UserUpdated, user, version, test.app.clock.now()).await.unwrap();
    }
    txn.commit().await.unwrap();
    let mut cursors = Vec::new();
    for _ in 0..CHANGES {
        cursors.push(events.next().await["cursor"].clone());
    }
    let answer = test.bearer(&client.token().await).send(operation!("user_changes"), json!({ "first": 2 })).await;
    assert_eq!(cursors[0], answer.data("userChanges")["nodes"][1]["cursor"]);
    cursors.dedup();
    assert_eq!(cursors.len() as i64, CHANGES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_the_token_that_opened_it() {
    let test = TestApp::new().await;
    let client = reader(&test).await;
    let mut events = listen(&test, &client, &Value::Null).await;
    events.next_of_any_kind().await;
    test.app.clock.advance(chrono::Duration::minutes(6));
    assert_eq!(events.next_code().await, "TOKEN_EXPIRED");
    assert!(events.is_complete().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_when_its_client_is_disabled_or_its_token_ended() {
    let test = TestApp::new().await;
    let client = reader(&test).await;
    let token = client.token().await;
    let mut events = Events::open(&test.bearer(&token), json!({})).await;
    events.next_of_any_kind().await;
    client.caller.form("/oauth/revoke", &[("token", &token)]).await;
    assert_eq!(events.next_code().await, "TOKEN_REVOKED");
    let mut events = listen(&test, &client, &Value::Null).await;
    events.next_of_any_kind().await;
    clients::disable(&test.app, &Actor::operator(), client.id).await.unwrap();
    assert_eq!(events.next_code().await, "TOKEN_REVOKED");
    assert!(events.is_complete().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_sessions_reach_a_subscriber() {
    let test = TestApp::new().await;
    let _tasks = tasks::spawn(&test.app);
    let client = reader(&test).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let mut events = listen(&test, &client, &Value::Null).await;
    events.next_of_any_kind().await;
    test.anonymous().logout(&signed_in.refresh).await.data("logout");
    let ended = events.next().await;
    assert_eq!(
        (&ended["kind"], &ended["revocation"]["userId"]),
        (&json!("SESSION_REVOKED"), &json!(signed_in.user.id))
    );
}
