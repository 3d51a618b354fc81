//! The client service reports that it is ready when it knows which sessions have ended.

use axum::body::Body;
use client_graph::service::{App, Config, Sources, internal_router, router};
use client_graph::testing::TestIssuer;
use client_graph::{Clock, FeedState};
use sea_orm::ConnectionTrait;
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

/// The service does not write for most requests, so that nothing else shows it.
#[tokio::test]
async fn a_database_that_accepts_no_changes_is_not_ready() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let mut flags = database.settings();
    // SQLite has no such state.
    let Some((_, url)) = flags.iter_mut().find(|(key, _)| key == "database.url") else { return };
    // A database of its own: other tests write to theirs, which are schemas of one database.
    let administrator = sea_orm::Database::connect(&database.url).await.unwrap();
    let name = format!("read_only_{}", uuid::Uuid::new_v4().simple());
    administrator.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut own = url::Url::parse(&database.url).unwrap();
    own.set_path(&name);
    *url = own.into();
    flags.push(("auth.url".to_owned(), issuer.url().to_owned()));
    let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
    let app = App::boot(config, Clock::default()).await.unwrap();
    let ready = async || ask(&router(&app), get("/readyz").body(Body::empty()).unwrap()).await;
    let answer = ready().await;
    assert_eq!((answer.status, &answer.body["database"]), (200, &"ok".into()), "{}", answer.body);
    for statement in [
        format!("ALTER DATABASE {name} SET default_transaction_read_only = on"),
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"),
    ] {
        administrator.execute_unprepared(&statement).await.unwrap();
    }
    // A request can still get a connection that was ended; the pool replaces it then.
    let mut answer = ready().await;
    for _ in 0..20 {
        if answer.body["database"] == "failing" {
            answer = ready().await;
        }
    }
    assert_eq!((answer.status, &answer.body["database"]), (503, &"read-only".into()), "{}", answer.body);
}

#[tokio::test]
async fn operators_can_have_an_address_of_their_own_and_every_metric_has_a_help() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let mut flags = database.settings();
    flags.push(("auth.url".to_owned(), issuer.url().to_owned()));
    flags.push(("server.internal_bind".to_owned(), "127.0.0.1:0".to_owned()));
    let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
    let app = App::boot(config, Clock::default()).await.unwrap();
    let public = router(&app);
    let bad = crate::support::post("/graphql", &serde_json::json!({ "query": "{ nothing }" }));
    assert_eq!(ask(&public, bad).await.body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let path = |path: &str| get(path).body(Body::empty()).unwrap();
    for hidden in ["/metrics", "/readyz"] {
        assert_eq!(ask(&public, path(hidden)).await.status, 404, "{hidden}");
    }
    assert_eq!(ask(&internal_router(&app), path("/readyz")).await.status, 200);
    let response = tower::ServiceExt::oneshot(internal_router(&app), path("/metrics")).await.unwrap();
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).unwrap();
        assert!(text.contains(&format!("# HELP {name} ")), "{line}");
    }
    for line in ["client_graph_build_info{version=", "errors_total{code=\"GRAPHQL_VALIDATION_FAILED\"} 1"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
