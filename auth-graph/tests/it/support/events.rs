//! A subscription to the feed as server-sent events.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{Caller, FOLLOW};

/// The stream of events.
pub struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    /// Subscribes to the feed.
    pub async fn open(caller: &Caller, variables: Value) -> Self {
        Self::of(caller, FOLLOW, variables).await
    }

    /// Sends the request. The subscription begins when the first event is read.
    pub async fn of(caller: &Caller, query: &str, variables: Value) -> Self {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", "text/event-stream")
            .body(Body::from(body))
            .unwrap();
        let response = caller.open(request).await;
        assert_eq!(response.status(), 200);
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// Returns the next change that is not a marker.
    pub async fn next(&mut self) -> Value {
        let next = async {
            loop {
                let change = self.next_of_any_kind().await;
                if change["kind"] != "CURRENT" {
                    return change;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), next).await.expect("a change comes")
    }

    pub async fn next_of_any_kind(&mut self) -> Value {
        let answer = self.answer().await;
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"]["userChanges"].clone()
    }

    /// Returns the code of the next error, and skips everything before it.
    pub async fn next_code(&mut self) -> String {
        loop {
            let answer = self.answer().await;
            if let Some(code) = answer["errors"][0]["extensions"]["code"].as_str() {
                return code.to_owned();
            }
        }
    }

    /// Returns whether the stream ends here with an event `complete`.
    pub async fn is_complete(&mut self) -> bool {
        self.event().await == Some("event: complete\ndata:".to_owned()) && self.event().await.is_none()
    }

    async fn answer(&mut self) -> Value {
        let event = self.event().await.unwrap();
        serde_json::from_str(event.strip_prefix("event: next\ndata: ").unwrap()).unwrap()
    }

    async fn event(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event != ":" {
                    return Some(event);
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.body.next()).await.unwrap()?;
            self.text += std::str::from_utf8(&chunk.unwrap()).unwrap();
        }
    }
}
