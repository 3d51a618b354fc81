//! The client service reports that it is ready when it knows which sessions have ended.

use axum::body::Body;
use client_graph::service::{App, Config, Sources, router};
use client_graph::testing::TestIssuer;
use client_graph::{Clock, FeedState};
use secrecy::ExposeSecret;

use crate::support::{TestDatabase, ask, get};

#[tokio::test]
async fn the_service_is_ready_once_it_knows_which_sessions_have_ended_or_has_tried_several_times() {
    let issuer = TestIssuer::start().await;
    for is_reachable in [true, false] {
        let database = TestDatabase::create().await;
        let mut flags = database.settings();
        let (id, secret) = issuer.service_client();
        flags.push(("auth.url".to_owned(), issuer.url().to_owned()));
        flags.push(("auth.client_id".to_owned(), id));
        flags.push(("auth.client_secret".to_owned(), secret.expose_secret().to_owned()));
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let app = App::boot(config, Clock::default()).await.unwrap();
        let following = app.auth.run_feed(std::future::pending());
        let readiness = async || ask(&router(&app), get("/readyz").body(Body::empty()).unwrap()).await;
        let answer = readiness().await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert_eq!(answer.body["feed"]["state"], "starting: the sessions that have ended are not known yet");

        if !is_reachable {
            issuer.take_down();
        }
        let task = tokio::spawn(following);
        let mut seen = 0;
        while app.auth.feed_status().state == FeedState::Starting {
            seen = app.auth.feed_moved(seen).await;
        }
        let answer = readiness().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let expected = if is_reachable { "followed" } else { "failing: " };
        assert!(answer.body["feed"]["state"].as_str().unwrap().starts_with(expected), "{}", answer.body);
        task.abort();
    }
}
