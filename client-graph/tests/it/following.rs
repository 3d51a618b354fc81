//! A service for tests that follows the feed and waits for its effects.

use std::time::Duration;

use client_graph::testing::TestIssuer;
use client_graph::{AuthGraph, AuthGraphBuilder, Error, UserId};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A service that follows the feed.
pub struct Following {
    pub auth: AuthGraph,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), Error>>,
}

impl Following {
    pub fn start(builder: AuthGraphBuilder, issuer: &TestIssuer) -> Self {
        let (id, secret) = issuer.service_client();
        Self::with(builder.service_client(id, secret))
    }

    /// Creates a service with an existing service client.
    pub fn with(builder: AuthGraphBuilder) -> Self {
        let auth = builder.build().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(auth.run_feed(async {
            let _ = stopped.await;
        }));
        Self { auth, stop: Some(stop), task }
    }

    /// Waits until the feed has made the condition true.
    pub async fn until(&self, condition: impl AsyncFn() -> bool) {
        let waiting = async {
            let mut seen = self.auth.feed_moved(0).await;
            while !condition().await {
                seen = self.auth.feed_moved(seen).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(100), waiting).await.expect("the feed makes the condition true");
    }

    pub async fn knows(&self, id: UserId, version: i64) {
        let mirror = self.auth.mirror().unwrap();
        self.until(async || mirror.user(id).await.unwrap().is_some_and(|user| user.version == version)).await;
    }

    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// Returns the column `count` of the only row of a query.
pub async fn count(db: &DatabaseConnection, sql: &str) -> i64 {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get("", "count").unwrap()
}
