//! Reading the feed.

use serde_json::{Value, json};

use super::{Caller, TestApp, operation};

impl TestApp {
    /// Creates a caller that may read the feed.
    pub async fn feed_reader(&self) -> Caller {
        let client = self.service_client("reader", "feed:read").await;
        self.bearer(&client.token().await)
    }
}

impl Caller {
    /// Returns the changes after a cursor, or all changes for null.
    pub async fn changes(&self, after: &Value) -> Vec<Value> {
        let answer = self.send(operation!("user_changes"), json!({ "after": after })).await;
        answer.data("userChanges")["nodes"].as_array().unwrap().clone()
    }

    pub async fn snapshots(&self) -> Value {
        self.send(operation!("user_snapshots"), json!({})).await.data("userSnapshots").clone()
    }
}
