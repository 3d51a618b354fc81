//! The log during an outage of auth-graph, and of the mirror.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client_graph::mirror::Mirror;
use client_graph::testing::TestIssuer;
use client_graph::{Code, Error};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::following::Following;
use crate::support::{TestDatabase, code_of};
use crate::world::{Feed, World};

const STILL_LOST: &str = "still: the feed of auth-graph was lost";

/// The log of a test.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Starts to capture the log of this thread.
    pub fn begin() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_env_filter("client_graph=debug").with_ansi(false);
        let guard = tracing::subscriber::set_default(subscriber.with_writer(log.clone()).finish());
        (log, guard)
    }

    pub fn lines(&self, text: &str) -> Vec<String> {
        let log = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    pub async fn says(&self, text: &str, times: usize) {
        let waiting = async {
            while self.lines(text).len() < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(100), waiting).await.expect(text);
    }

    pub fn complains(&self, times: usize) {
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
async fn an_outage_is_logged_once_and_its_end_once() {
    let (log, _guard) = Log::begin();
    let issuer = TestIssuer::start().await;
    issuer.take_down();
    let service = Following::start(issuer.auth_graph().mirror(Mirror::in_memory()), &issuer);
    log.says(STILL_LOST, 3).await;
    log.says("the mirror waits for auth-graph", 2).await;
    log.complains(1);
    issuer.bring_up();
    log.says("the feed of auth-graph is back", 1).await;
    log.complains(1);
    // From here on the mirror asks for nothing that the stream does not bring.
    service.until(async || service.auth.feed_status().mirror_age.is_some()).await;

    issuer.take_down();
    log.says(STILL_LOST, 6).await;
    // The next outage is logged again.
    log.complains(2);
    issuer.bring_up();
    log.says("the feed of auth-graph is back", 2).await;
    service.stop().await;
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_logged_once() {
    let (log, _guard) = Log::begin();
    let issuer = TestIssuer::start().await;
    issuer.take_down();
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    for attempt in 1..=3 {
        assert_eq!(code_of(&auth, &token).await, Some(Code::Unavailable));
        assert_eq!(log.lines("the keys of auth-graph cannot be fetched").len(), attempt, "it was asked");
        log.complains(1);
        issuer.clock().advance(Duration::from_secs(2));
    }
    issuer.bring_up();
    assert_eq!(code_of(&auth, &token).await, None);
    log.says("the keys of auth-graph can be fetched again", 1).await;
    log.complains(1);
}

#[tokio::test]
async fn a_mirror_that_cannot_follow_is_logged_once() {
    let (log, _guard) = Log::begin();
    let issuer = TestIssuer::start().await;
    let database = TestDatabase::create().await;
    let fails = Arc::new(AtomicBool::new(true));
    let refusing = fails.clone();
    let mirror = Mirror::new(database.connect().await).on_user(move |_, _| {
        let fails = refusing.load(Ordering::Relaxed);
        Box::pin(async move { if fails { Err(Error::internal("no room for another user")) } else { Ok(()) } })
    });
    issuer.user("ada@example.com");
    let service = Following::start(issuer.auth_graph().mirror(mirror), &issuer);
    log.says("still: the mirror cannot follow the feed", 3).await;
    log.complains(1);
    fails.store(false, Ordering::Relaxed);
    log.says("the mirror follows the feed again", 1).await;
    log.complains(1);
    service.stop().await;
}

#[tokio::test]
async fn the_expiry_of_a_token_is_no_outage() {
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
