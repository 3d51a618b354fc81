//! An app with a webhook endpoint. The test itself sends the deliveries, so that it does not wait for a clock.

use aws_lc_rs::hmac;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use engine::accounts::Rank;
use engine::app::App;
use engine::webhooks::{deliver, with_work};
use model::config::Config;
use serde_json::{Value, json};

use super::hook::ReceivedRequest;
use super::{Caller, Hook, PASSWORD, TestApp};

/// Address of the administrator of the endpoints.
const ROOT: &str = "root@test.com";

pub const CREATE: &str =
    "mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { secret webhook { id url
    description eventTypes disabledAt failingSince previousSecretUntil } } }";
pub const LIST: &str = "{ webhooks { id url description eventTypes disabledAt failingSince previousSecretUntil } }";
pub const LOG: &str = "query($id: ID!, $state: WebhookDeliveryState, $first: Int, $after: String) {
    webhookDeliveries(webhookId: $id, state: $state, first: $first, after: $after) {
        edges { node { id eventType userId state attempts nextAttemptAt attemptedAt failure status durationMs } }
        pageInfo { hasNextPage endCursor } } }";

/// An app with one endpoint.
pub struct Site {
    pub test: TestApp,
    pub hook: Hook,
    pub id: String,
    pub secret: String,
}

impl Site {
    pub async fn new() -> Self {
        Self::with(|_| {}, json!({})).await
    }

    /// Creates an app with a changed configuration, and an endpoint with further input.
    pub async fn with(change: impl FnOnce(&mut Config), input: Value) -> Self {
        let hook = Hook::start().await;
        let test = TestApp::with(|config| {
            config.webhooks.allow_loopback = true;
            change(config);
        })
        .await;
        test.create(ROOT, Rank::Superuser).await;
        let mut site = Self { test, hook, id: String::new(), secret: String::new() };
        (site.id, site.secret) = site.endpoint(&site.hook, input).await;
        site
    }

    /// Creates another endpoint.
    pub async fn endpoint(&self, hook: &Hook, mut input: Value) -> (String, String) {
        input["url"] = json!(hook.url);
        let answer = self.root().await.send(CREATE, json!({ "input": input })).await;
        let made = answer.data("createWebhook");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["webhook"]["id"]), text(&made["secret"]))
    }

    /// Signs the administrator in.
    pub async fn root(&self) -> Caller {
        let answer = self.test.anonymous().login(ROOT, PASSWORD).await;
        self.test.bearer(answer.data("login")["accessToken"].as_str().unwrap())
    }

    /// Sends a mutation about the endpoint.
    pub async fn mutate(&self, name: &str, selection: &str) -> Value {
        let mutation = format!("mutation($id: ID!) {{ {name}(id: $id) {{ {selection} }} }}");
        self.root().await.send(&mutation, json!({ "id": self.id })).await.data(name).clone()
    }

    /// Sends all due deliveries, and returns the requests that the endpoint received.
    pub async fn deliveries(&self) -> Vec<ReceivedRequest> {
        deliver_due(&self.test.app).await;
        self.hook.take()
    }

    /// Returns the deliveries of the endpoint, the latest first.
    pub async fn log(&self) -> Vec<Value> {
        let answer = self.root().await.send(LOG, json!({ "id": self.id })).await;
        let edges = answer.data("webhookDeliveries")["edges"].as_array().unwrap();
        edges.iter().map(|edge| edge["node"].clone()).collect()
    }

    /// Returns the endpoint as listed.
    pub async fn webhook(&self) -> Value {
        self.root().await.send(LIST, json!({})).await.data("webhooks")[0].clone()
    }
}

/// Sends all due deliveries to every endpoint.
pub async fn deliver_due(app: &App) {
    loop {
        let due = with_work(app).await.unwrap();
        if due.is_empty() {
            return;
        }
        for webhook in due {
            deliver(app, webhook).await.unwrap();
        }
    }
}

impl Hook {
    /// Answers with this status from now on.
    pub fn answers_status(&self, status: u16) {
        let status = StatusCode::from_u16(status).unwrap();
        self.behaves(move || std::future::ready(status.into_response()));
    }
}

impl ReceivedRequest {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Returns whether one of the signatures was made with this secret, as Standard Webhooks defines it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        let expected = format!("v1,{}", BASE64_STANDARD.encode(tag));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}
