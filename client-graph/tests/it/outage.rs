//! What the log says of an auth-graph that is away.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client_graph::mirror::Mirror;
use client_graph::testing::TestIssuer;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::following::Following;
use crate::world::{Feed, World};

/// What was logged of the feed.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Begins to keep it, for this thread.
    fn begin() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_env_filter("client_graph::feed=debug").with_ansi(false);
        let guard = tracing::subscriber::set_default(subscriber.with_writer(log.clone()).finish());
        (log, guard)
    }

    fn count(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().unwrap()).matches(text).count()
    }

    async fn says(&self, text: &str, times: usize) {
        let waiting = async {
            while self.count(text) < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(100), waiting).await.expect(text);
    }

    fn complaints(&self) -> usize {
        self.count(" WARN ") + self.count("ERROR ")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn an_outage_is_told_once_and_its_end_once() {
    let (log, _guard) = Log::begin();
    let issuer = TestIssuer::start().await;
    issuer.take_down();
    let service = Following::start(issuer.auth_graph().mirror(Mirror::in_memory()), &issuer);
    log.says("is still away", 3).await;
    log.says("the mirror waits for auth-graph", 2).await;
    assert_eq!(log.complaints(), 1);
    issuer.bring_up();
    log.says("the feed of auth-graph is back", 1).await;
    assert_eq!(log.complaints(), 1);

    issuer.take_down();
    log.says("is still away", 6).await;
    assert_eq!(log.complaints(), 2, "the next one is told again");
    issuer.bring_up();
    log.says("the feed of auth-graph is back", 2).await;
    service.stop().await;
}

#[tokio::test]
async fn the_end_of_a_token_is_no_outage() {
    let (log, _guard) = Log::begin();
    let world = World::start_with(Feed::Ignored, &[]).await;
    let service = Following::with(world.service().mirror(Mirror::in_memory()));
    service.until(async || service.auth.feed_age().is_some()).await;
    world.auth_app.clock.advance(chrono::TimeDelta::minutes(6));
    let user = world.add_users(1).await.remove(0);
    service.knows(user.id.to_string().parse().unwrap(), user.version).await;
    assert_eq!(log.complaints(), 0);
    service.stop().await;
}
