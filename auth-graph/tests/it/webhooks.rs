//! Webhook deliveries: their content, their repetition and their order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as StdDuration;

use auth_graph::tasks;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Duration, Utc};
use engine::accounts::Rank;
use engine::{boot, purge, webhooks};
use futures_util::future::join_all;
use futures_util::stream;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use store::{webhook_deliveries, webhooks as stored};
use tokio::sync::mpsc;

use crate::support::{Hook, ReceivedRequest, Site, deliver_due, operation};

/// Returns a value with times in a form that can be compared.
fn normalised(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), normalised(value))).collect(),
        Value::String(text) => text.parse::<DateTime<Utc>>().map_or(value.clone(), |time| json!(time)),
        other => other.clone(),
    }
}

fn types(received: &[ReceivedRequest]) -> Vec<String> {
    received.iter().map(|received| received.json()["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn argus_33_an_endpoint_receives_the_changes_of_the_feed() {
    let site = Site::new().await;
    let reader = site.test.service_client("reader", "feed:read").await;
    let ada = site.test.signed_in("ada@test.com", Rank::Staff).await;
    site.test.disable(ada.user.id).await;
    let received = site.deliveries().await;
    assert_eq!(types(&received), ["user.created", "session.revoked", "user.updated"]);
    let feed = site.test.bearer(&reader.token().await).send(operation!("user_changes"), json!({})).await;
    let nodes = feed.data("userChanges")["nodes"].as_array().unwrap();
    // The first change is about the administrator, who existed before the endpoint.
    for (received, node) in received.iter().zip(&nodes[1..]) {
        assert_eq!(normalised(&received.json()["data"]), normalised(node));
        assert_eq!(received.json()["timestamp"], received.json()["data"]["recordedAt"]);
        assert_eq!(received.header("content-type"), "application/json");
        assert!(!received.body.contains("argon2"));
    }
    assert!(site.deliveries().await.is_empty(), "once");
}

#[tokio::test]
async fn a_delivery_keeps_its_identifier_and_each_attempt_has_a_new_signature() {
    let site = Site::new().await;
    site.hook.answers_status(500);
    site.test.create_user("ada@test.com").await;
    let first = site.deliveries().await.remove(0);
    assert!(site.deliveries().await.is_empty(), "it is not due yet");
    site.test.app.clock.advance(Duration::seconds(10));
    site.hook.answers_status(204);
    let second = site.deliveries().await.remove(0);
    assert_eq!((first.header("webhook-id"), &first.body), (second.header("webhook-id"), &second.body));
    let time = |received: &ReceivedRequest| received.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!(time(&second) >= time(&first) + 10);
    assert!(first.is_signed_with(&site.secret) && second.is_signed_with(&site.secret));
    let log = site.log().await;
    assert_eq!(first.header("webhook-id"), format!("msg_{}", log[0]["id"].as_str().unwrap()));
    let (state, attempts, status) = (&log[0]["state"], &log[0]["attempts"], &log[0]["status"]);
    assert_eq!((state, attempts, status), (&json!("DELIVERED"), &json!(2), &json!(204)));
    assert!(log[0]["failure"].is_null() && log[0]["durationMs"].is_u64() && log[0]["nextAttemptAt"].is_null());
}

#[tokio::test]
async fn both_secrets_sign_for_a_while_after_a_rotation() {
    let site = Site::new().await;
    let rotated = site.mutate("rotateWebhookSecret", "secret webhook { previousSecretUntil }").await;
    let next = rotated["secret"].as_str().unwrap();
    assert!(rotated["webhook"]["previousSecretUntil"].is_string() && next != site.secret);
    site.test.create_user("ada@test.com").await;
    let received = site.deliveries().await.remove(0);
    assert!(received.is_signed_with(&site.secret) && received.is_signed_with(next));
    site.test.app.clock.advance(Duration::hours(25));
    site.test.create_user("bob@test.com").await;
    let received = site.deliveries().await.remove(0);
    assert!(!received.is_signed_with(&site.secret) && received.is_signed_with(next));
}

#[tokio::test]
async fn a_failed_delivery_is_tried_less_and_less_often_and_becomes_a_dead_letter() {
    let site = Site::new().await;
    site.hook.answers_status(503);
    site.test.create_user("ada@test.com").await;
    let mut waits = Vec::new();
    let mut attempts = 0;
    let dead = loop {
        attempts += site.deliveries().await.len();
        let delivery = site.log().await.remove(0);
        if delivery["nextAttemptAt"].is_null() {
            break delivery;
        }
        let time = |name: &str| delivery[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        let wait = time("nextAttemptAt") - time("attemptedAt");
        waits.push(wait.num_seconds());
        site.test.app.clock.advance(wait + Duration::seconds(1));
    };
    assert_eq!((&dead["state"], &dead["failure"], &dead["status"]), (&json!("DEAD"), &json!("STATUS"), &json!(503)));
    assert_eq!(dead["attempts"], json!(attempts));
    // 5 s, 20 s, 80 s … each a quarter less or more, up to six hours.
    for (index, wait) in waits.iter().enumerate() {
        let middle = (5 * 4_i64.pow(u32::try_from(index).unwrap().min(7))).min(21_600);
        // The request itself takes time too.
        assert!((middle * 3 / 4..=middle * 5 / 4 + 5).contains(wait), "{index}: {waits:?}");
    }
    assert!((15..30).contains(&attempts), "{attempts}: for three days");
    assert!(site.test.app.metrics.render().contains("webhook_attempts_total{result=\"given_up\"} 1"));
}

#[tokio::test]
async fn deliveries_that_failed_together_are_tried_at_different_times() {
    let site = Site::new().await;
    site.hook.answers_status(503);
    for number in 0..8 {
        site.test.create_user(&format!("user{number}@test.com")).await;
    }
    site.deliveries().await;
    let waits = |delivery: &Value| {
        let time = |name: &str| delivery[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        (time("nextAttemptAt") - time("attemptedAt")).num_milliseconds()
    };
    let mut waits: Vec<i64> = site.log().await.iter().map(waits).collect();
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 2, "{waits:?}");
}

#[tokio::test]
async fn changes_are_delivered_in_order_and_a_failed_one_delays_no_other() {
    let site = Site::new().await;
    let users = ["ada@test.com", "bob@test.com", "cid@test.com"];
    let refused = AtomicBool::new(true);
    site.hook.behaves(move || {
        let status = if refused.swap(false, Ordering::Relaxed) { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
        std::future::ready(status.into_response())
    });
    for email in users {
        site.test.create_user(email).await;
    }
    let emails = |received: Vec<ReceivedRequest>| -> Vec<Value> {
        received.iter().map(|received| received.json()["data"]["user"]["email"].clone()).collect()
    };
    assert_eq!(emails(site.deliveries().await), users);
    site.test.app.clock.advance(Duration::seconds(10));
    assert_eq!(emails(site.deliveries().await), ["ada@test.com"]);
}

#[tokio::test]
async fn an_endpoint_receives_only_the_event_types_that_it_selected() {
    let site = Site::with(|_| {}, json!({ "eventTypes": ["user.deleted", "session.revoked"] })).await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    site.test.anonymous().logout(&ada.refresh).await.data("logout");
    assert_eq!(types(&site.deliveries().await), ["session.revoked"]);
    let update = "mutation($input: UpdateWebhookInput!) { updateWebhook(input: $input) { webhook { eventTypes } } }";
    let input = json!({ "id": site.id, "eventTypes": [] });
    site.root().await.send(update, json!({ "input": input })).await.data("updateWebhook");
    site.test.create_user("bob@test.com").await;
    assert_eq!(types(&site.deliveries().await), ["user.created"]);
}

#[tokio::test]
async fn one_delivery_is_replayed_under_its_identifier() {
    let site = Site::new().await;
    site.test.create_user("ada@test.com").await;
    let first = site.deliveries().await.remove(0);
    let id = site.log().await[0]["id"].clone();
    let mutation = "mutation($id: ID!) { replayWebhookDelivery(id: $id) { delivery { state attempts } } }";
    let replayed = site.root().await.send(mutation, json!({ "id": id })).await;
    let waiting = json!({ "delivery": { "state": "WAITING", "attempts": 0 } });
    assert_eq!(replayed.data("replayWebhookDelivery"), &waiting);
    let received = site.deliveries().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].header("webhook-id"), first.header("webhook-id"));
}

#[tokio::test]
async fn all_changes_since_a_time_are_replayed_including_missed_ones() {
    let site = Site::with(|_| {}, json!({ "eventTypes": ["user.created"] })).await;
    site.test.create_user("early@test.com").await;
    site.deliveries().await;
    site.test.app.clock.advance(Duration::minutes(1));
    let since = site.test.app.clock.now();
    site.test.create_user("ada@test.com").await;
    site.deliveries().await;
    site.mutate("disableWebhook", "webhook { id }").await;
    site.test.create_user("missed@test.com").await;
    site.mutate("enableWebhook", "webhook { id }").await;
    assert!(site.deliveries().await.is_empty(), "it is notified of later changes only");
    let mutation = "mutation($input: ReplayWebhookInput!) { replayWebhook(input: $input) { replayed } }";
    let input = json!({ "id": site.id, "since": since });
    let replayed = site.root().await.send(mutation, json!({ "input": input })).await;
    assert_eq!(replayed.data("replayWebhook")["replayed"], 1);
    let emails: Vec<Value> =
        site.deliveries().await.iter().map(|received| received.json()["data"]["user"]["email"].clone()).collect();
    assert_eq!(emails, ["ada@test.com", "missed@test.com"]);
}

#[tokio::test]
async fn replicas_deliver_each_change_once() {
    let site = Site::new().await;
    let replica = site.test.replica().await;
    for number in 0..10 {
        site.test.create_user(&format!("user{number}@test.com")).await;
    }
    let webhook = webhooks::with_work(&replica).await.unwrap()[0];
    let both = [webhooks::deliver(&site.test.app, webhook), webhooks::deliver(&replica, webhook)];
    assert!(join_all(both).await.iter().all(Result::is_ok));
    let mut ids: Vec<_> =
        site.deliveries().await.iter().map(|received| received.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 10);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 10);
}

#[tokio::test]
async fn an_endpoint_that_always_fails_is_disabled_and_this_is_recorded() {
    let site = Site::new().await;
    site.hook.answers_status(500);
    site.test.create_user("ada@test.com").await;
    site.deliveries().await;
    assert!(site.webhook().await["failingSince"].is_string());
    site.test.app.clock.advance(Duration::days(2));
    site.hook.answers_status(200);
    site.deliveries().await;
    assert!(site.webhook().await["failingSince"].is_null(), "it has recovered");
    site.hook.answers_status(500);
    for day in 0..6 {
        site.test.create_user(&format!("user{day}@test.com")).await;
        site.deliveries().await;
        site.test.app.clock.advance(Duration::days(1));
    }
    assert!(site.webhook().await["disabledAt"].is_string());
    site.test.create_user("bob@test.com").await;
    assert!(site.deliveries().await.is_empty());
    assert!(site.log().await.iter().all(|delivery| delivery["state"] != "WAITING"));
    let filter = json!({ "filter": { "action": "webhook.disable" } });
    let events = site.root().await.send(operation!("audit_events"), filter).await;
    let event = &events.data("auditEvents")["edges"][0]["node"];
    assert_eq!((&event["actorKind"], &event["targetId"]), (&json!("SYSTEM"), &json!(site.id)));
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_at_once() {
    let site = Site::new().await;
    site.hook.answers_status(410);
    site.test.create_user("ada@test.com").await;
    site.deliveries().await;
    assert!(site.webhook().await["disabledAt"].is_string());
}

/// Only the head of the response is needed. The body could be endless.
#[tokio::test]
async fn the_body_of_an_answer_is_not_read() {
    let site = Site::new().await;
    site.hook.behaves(|| {
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(1024)));
        std::future::ready(Body::from_stream(endless).into_response())
    });
    site.test.create_user("ada@test.com").await;
    site.deliveries().await;
    assert_eq!(site.log().await[0]["state"], "DELIVERED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_does_not_answer_delays_no_other() {
    let site = Site::with(|config| config.webhooks.timeout = StdDuration::from_secs(30), json!({})).await;
    let (asked, mut was_asked) = mpsc::unbounded_channel();
    site.hook.behaves(move || {
        asked.send(()).unwrap();
        std::future::pending()
    });
    let quick = Hook::start().await;
    let (received, mut was_notified) = mpsc::unbounded_channel();
    quick.behaves(move || {
        received.send(()).unwrap();
        std::future::ready(Response::default())
    });
    site.endpoint(&quick, json!({})).await;
    let _tasks = tasks::spawn(&site.test.app);
    site.test.create_user("ada@test.com").await;
    let soon = StdDuration::from_secs(20);
    tokio::time::timeout(soon, was_asked.recv()).await.expect("the slow endpoint received a request");
    site.test.create_user("bob@test.com").await;
    for _ in 0..2 {
        tokio::time::timeout(soon, was_notified.recv()).await.expect("the quick endpoint is notified").unwrap();
    }
}

#[tokio::test]
async fn an_attempt_without_an_answer_in_time_has_failed() {
    let site = Site::with(|config| config.webhooks.timeout = StdDuration::from_millis(100), json!({})).await;
    site.hook.behaves(std::future::pending);
    site.test.create_user("ada@test.com").await;
    site.deliveries().await;
    let delivery = site.log().await.remove(0);
    assert_eq!((&delivery["failure"], &delivery["status"]), (&json!("TIMED_OUT"), &Value::Null));
}

#[tokio::test]
async fn secrets_are_stored_encrypted_and_outlive_the_master_secret() {
    const FIRST: &str = "7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=";
    const SECOND: &str = "T4+rqSGgo5zNy/KsL0Zla70xty60YbDt6XKEetXYAVg=";
    let site = Site::with(|config| config.secret = FIRST.into(), json!({})).await;
    let next = site.mutate("rotateWebhookSecret", "secret").await["secret"].as_str().unwrap().to_owned();
    let rows = stored::Entity::find().all(&site.test.app.db).await.unwrap();
    let bytes = |secret: &str| BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    for secret in [&site.secret, &next] {
        let plain = bytes(secret);
        let holds = |sealed: &[u8]| sealed.windows(plain.len()).any(|window| window == plain);
        assert!(!holds(&rows[0].secret) && !holds(rows[0].previous_secret.as_ref().unwrap()));
    }
    let mut config = site.test.app.config.clone();
    config.secret = SECOND.into();
    config.previous_secrets = vec![FIRST.into()];
    boot(config.clone(), site.test.app.clock.clone()).await.unwrap();
    // The secrets are encrypted under the new master secret now.
    config.previous_secrets = Vec::new();
    let restarted = boot(config, site.test.app.clock.clone()).await.unwrap();
    site.test.create_user("ada@test.com").await;
    let webhook = webhooks::with_work(&site.test.app).await.unwrap()[0];
    assert!(webhooks::deliver(&site.test.app, webhook).await.is_err(), "this process knows only the first secret");
    deliver_due(&restarted).await;
    let received = site.hook.take();
    assert_eq!(received.len(), 1);
    assert!(received[0].is_signed_with(&site.secret) && received[0].is_signed_with(&next));
}

#[tokio::test]
async fn waiting_and_dead_deliveries_are_counted_and_old_ones_are_deleted() {
    let site = Site::new().await;
    site.test.create_user("ada@test.com").await;
    site.deliveries().await;
    site.hook.answers_status(500);
    site.test.create_user("bob@test.com").await;
    site.test.create_user("cid@test.com").await;
    site.deliveries().await;
    let measured = async |state: &str| {
        webhooks::measure(&site.test.app).await.unwrap();
        let line = format!("auth_graph_webhook_deliveries{{state=\"{state}\"}} ");
        let metrics = site.test.app.metrics.render();
        metrics.split(&line).nth(1).unwrap().lines().next().unwrap().to_owned()
    };
    assert_eq!((measured("waiting").await, measured("dead").await), ("2".to_owned(), "0".to_owned()));
    site.mutate("disableWebhook", "webhook { id }").await;
    assert_eq!((measured("waiting").await, measured("dead").await), ("0".to_owned(), "2".to_owned()));
    site.test.app.clock.advance(Duration::days(15));
    purge(&site.test.app, site.test.app.clock.now()).await.unwrap();
    assert!(webhook_deliveries::Entity::find().all(&site.test.app.db).await.unwrap().is_empty());
}
