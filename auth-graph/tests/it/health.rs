//! Health, readiness and metrics, and stopping the service.

use std::time::Duration;

use auth_graph::http;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use engine::accounts::Rank;
use engine::app::App;
use sea_orm::{ConnectionTrait, DbBackend};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;

use crate::support::{PASSWORD, TestApp, operation};

/// simplejwt#905, #912: a rotation wrote to tables that did not exist.
#[tokio::test]
async fn readiness_names_what_is_missing() {
    let test = TestApp::new().await;
    assert_eq!(test.anonymous().get("/healthz").await.text, "ok\n");
    assert_eq!(test.anonymous().get("/readyz").await.status, StatusCode::OK);
    store::migrate_down(&test.app.db, 1).await.unwrap();
    let answer = test.anonymous().get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["migrations"], "failing");
    assert_eq!(answer.body["database"], "ok");
}

#[tokio::test]
async fn without_a_database_it_is_alive_and_not_ready() {
    let test = TestApp::new().await;
    for db in [&test.app.db, &test.app.live_db] {
        db.clone().close().await.unwrap();
    }
    assert_eq!(test.anonymous().get("/healthz").await.status, StatusCode::OK);
    let answer = test.anonymous().get("/readyz").await;
    assert_eq!(answer.body["database"], "failing");
    let answer = test.anonymous().login("ada@test.com", PASSWORD).await;
    assert!(["UNAVAILABLE", "INTERNAL"].contains(&answer.code()), "{}", answer.text);
    assert!(!answer.text.to_lowercase().contains("pool"), "{}", answer.text);
}

/// A partition, or a server that stands still: the statement waits, and nothing is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_is_answered_in_time_while_the_database_does_not_answer() {
    let test = TestApp::with(|config| config.database.lock_timeout = Duration::from_secs(600)).await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let holder = test.replica().await;
    let txn = store::begin(&holder.db).await.unwrap();
    let hold =
        "SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE seaql_migrations IN ACCESS EXCLUSIVE MODE";
    txn.execute_unprepared(hold).await.unwrap();
    let ready = test.anonymous();
    let answer = tokio::time::timeout(Duration::from_secs(60), ready.get("/readyz")).await.unwrap();
    assert_eq!((answer.status, &answer.body["database"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("failing")));
    txn.rollback().await.unwrap();
    assert_eq!(test.anonymous().get("/readyz").await.status, StatusCode::OK);
}

/// keycloak#24493, #22422: after a failover the service was "healthy", and every change failed.
#[tokio::test]
async fn a_database_that_accepts_no_changes_is_not_ready() {
    let test = TestApp::new().await;
    let mut config = test.app.config.clone();
    let url = config.database.url.expose_secret().to_owned();
    // SQLite has no such state.
    if !url.starts_with("postgres") {
        return;
    }
    config.database.url = format!("{url}&options[default_transaction_read_only]=on").into();
    let app = App::build(config, test.app.clock.clone()).await.unwrap();
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let answer = http::router(&app).unwrap().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = axum::body::to_bytes(answer.into_body(), 1 << 16).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["database"], &body["migrations"]), (&"read-only".into(), &"ok".into()), "{body}");
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    test.anonymous().login("ada@test.com", "wrong password").await;
    test.anonymous().refresh(&signed_in.refresh).await;
    test.anonymous().verify(&signed_in.access).await;
    let text = test.anonymous().get("/metrics").await.text;
    for line in [
        "auth_graph_logins_total{result=\"granted\"} 1",
        "auth_graph_logins_total{result=\"refused\"} 1",
        "auth_graph_refreshes_total{result=\"rotated\"} 1",
        "auth_graph_verifications_total{result=\"active\"} 1",
        "auth_graph_http_requests_total{status=\"2xx\"} 4",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// What promtool demands, and a counter for failures that HTTP statuses do not show.
#[tokio::test]
async fn every_metric_has_a_help_and_a_type_and_errors_are_counted_by_code() {
    let test = TestApp::new().await;
    test.anonymous().send("{ nothing }", serde_json::json!({})).await;
    test.anonymous().login("ada@test.com", PASSWORD).await;
    let text = test.anonymous().get("/metrics").await.text;
    let has = |line: &str| text.lines().any(|found| found.starts_with(line));
    let mut samples = 0;
    for sample in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = sample.split(['{', ' ']).next().unwrap();
        let parts = ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
        let family = parts.filter(|family| has(&format!("# TYPE {family} histogram"))).unwrap_or(name);
        assert!(has(&format!("# HELP {family} ")) && has(&format!("# TYPE {family} ")), "{sample}");
        samples += 1;
    }
    assert!(samples > 40, "{text}");
    assert!(has("auth_graph_build_info{version=\"0."), "{text}");
    for code in ["GRAPHQL_VALIDATION_FAILED", "INVALID_CREDENTIALS"] {
        assert!(has(&format!("auth_graph_graphql_errors_total{{code=\"{code}\"}} 1")), "{code}");
    }
}

#[tokio::test]
async fn metrics_and_readiness_are_not_public_if_operators_have_an_address_of_their_own() {
    let address = "127.0.0.1:0".parse().unwrap();
    let test = TestApp::with(|config| config.server.internal_bind = Some(address)).await;
    assert_eq!(test.anonymous().get("/healthz").await.status, StatusCode::OK);
    for path in ["/metrics", "/readyz"] {
        assert_eq!(test.anonymous().get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = http::internal_router(&test.app).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let request = Request::get("/graphql").body(Body::empty()).unwrap();
    assert_eq!(http::internal_router(&test.app).oneshot(request).await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_unknown_path_or_method_has_a_code() {
    let test = TestApp::new().await;
    let answer = test.anonymous().get("/nothing").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "NOT_FOUND"));
    assert_eq!(answer.headers["content-type"], "application/json");
    let answer = test.anonymous().post("/healthz", serde_json::json!({})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"));
    assert_eq!(answer.headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn every_response_has_the_identifier_of_its_request() {
    let test = TestApp::with(|config| config.server.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()]).await;
    let ask = async |id: &str| {
        let request = Request::get("/healthz").header("x-request-id", id).body(Body::empty()).unwrap();
        test.anonymous().request(request).await.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(ask("from-the-proxy.1").await, "from-the-proxy.1");
    for bad in ["", "two words", "new\tline", &"x".repeat(65)] {
        assert_eq!(ask(bad).await.len(), 32, "{bad}");
    }
    let elsewhere = test.anonymous().at_address("198.51.100.7").with_header("x-request-id", "chosen");
    assert_eq!(elsewhere.get("/healthz").await.headers["x-request-id"].len(), 32, "no proxy");
}

#[tokio::test]
async fn stopping_finishes_the_running_request_and_accepts_no_new_one() {
    let test = TestApp::with(|config| config.passwords.memory_kib = 131_072).await;
    test.create_user("ada@test.com").await;
    // No other test listens on this address, so that the port stays free after the stop.
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(http::serve(test.app.clone(), listener, async { stopped.await.unwrap() }));
    let body = serde_json::json!({
        "query": operation!("login"),
        "variables": { "input": { "email": "ada@test.com", "password": PASSWORD } },
    })
    .to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let before = test.app.passwords.pool.computed();
    // The request has arrived when its attempt is counted. Hashing its password takes longer.
    while attempts(&test).await == 0 {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("accessToken"), "{answer}");
    assert_eq!(test.app.passwords.pool.computed(), before + 1);
    tokio::time::timeout(Duration::from_secs(10), serving).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

async fn attempts(test: &TestApp) -> u64 {
    use sea_orm::{EntityTrait, PaginatorTrait};
    store::rate_limits::Entity::find().count(&test.app.db).await.unwrap()
}
