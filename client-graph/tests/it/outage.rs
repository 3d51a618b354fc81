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

    fn lines(&self, text: &str) -> Vec<String> {
        let log = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    async fn says(&self, text: &str, times: usize) {
        let waiting = async {
            while self.lines(text).len() < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(100), waiting).await.expect(text);
    }

    fn complains(&self, times: usize) {
        let complaints = [self.lines(" WARN "), self.lines("ERROR ")].concat();
        assert_eq!(complaints.len(), times, "{complaints:#?}");
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
    log.complains(1);
    issuer.bring_up();
    log.says("the feed of auth-graph is back", 1).await;
    log.complains(1);
    // From here on the mirror asks for nothing that the stream does not bring.
    service.until(async || service.auth.feed_status().mirror_age.is_some()).await;

    issuer.take_down();
    log.says("is still away", 6).await;
    // The next one is told again.
    log.complains(2);
    issuer.bring_up();
    log.says("the feed of auth-graph is back", 2).await;
    service.stop().await;
}

#[tokio::test]
async fn the_end_of_a_token_is_no_outage() {
    let (log, _guard) = Log::begin();
    let world = World::start_with(Feed::Ignored, &[]).await;
    let service = Following::with(world.service().mirror(Mirror::in_memory()));
    service.until(async || service.auth.feed_status().mirror_age.is_some()).await;
    world.auth_app.clock.advance(chrono::TimeDelta::minutes(6));
    let user = world.add_users(1).await.remove(0);
    service.knows(user.id.to_string().parse().unwrap(), user.version).await;
    log.complains(0);
    service.stop().await;
}
