//! Secrets never reach the log, even when something fails.

use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use engine::accounts::Rank;
use sea_orm::ConnectionTrait;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{PASSWORD, TestApp};

/// What was logged.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// goauthentik/authentik#25679: all clients of a proxy shared its limits, and nothing said why.
#[tokio::test]
async fn a_forwarded_address_that_is_not_understood_is_logged_once() {
    let captured = Captured::default();
    let subscriber =
        tracing_subscriber::fmt().with_env_filter("warn").with_writer(captured.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let test = TestApp::with(|config| config.server.trusted_proxies = vec!["192.0.2.1/32".parse().unwrap()]).await;
    for sent in ["203.0.113.7:4711", "unknown", "unknown", "also unknown"] {
        test.anonymous().at_address("192.0.2.1").with_header("x-forwarded-for", sent).me().await;
    }
    let text = captured.text();
    let told = text.matches("X-Forwarded-For of a trusted proxy is not understood").count();
    assert!(told == 1 && text.contains("proxy=192.0.2.1") && text.contains("\"unknown\""), "{text}");
}

#[tokio::test]
async fn no_secret_is_logged_or_shown_in_an_error() {
    let captured = Captured::default();
    let subscriber =
        tracing_subscriber::fmt().with_env_filter("trace").with_writer(captured.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    signed_in.caller.me().await;
    let caller = test.anonymous();
    let second = caller.refresh(&signed_in.refresh).await;
    let second = second.data("refresh")["refreshToken"].as_str().unwrap().to_owned();
    caller.refresh(&second).await;
    let reused = caller.refresh(&signed_in.refresh).await;
    let wrong = caller.login("ada@test.com", "a wrong password").await;
    let verified = caller.verify(&signed_in.access).await;
    // An internal error, whose cause is logged.
    test.app.db.clone().close().await.unwrap();
    let failed = caller.login("ada@test.com", PASSWORD).await;

    let log = captured.text();
    assert!(log.contains("an outdated refresh token came back"), "the log was captured");
    let secret = std::fs::read_to_string(test.folder().join("data/secret")).unwrap();
    for hidden in
        [PASSWORD, "a wrong password", &signed_in.access, &signed_in.refresh, &second, secret.trim(), "$argon2id$"]
    {
        assert!(!log.contains(hidden), "in the log: {hidden}");
        for answer in [&reused, &wrong, &verified, &failed] {
            assert!(!answer.text.contains(hidden), "in an answer: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_refused_sign_in_is_logged_without_the_address_that_was_typed() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt().with_env_filter("info").with_writer(captured.clone()).with_ansi(false);
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    test.anonymous().login("ada@test.com", "a wrong password").await;
    test.anonymous().login("nobody@test.com", "a wrong password").await;
    let log = captured.text();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("a sign-in was refused")).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains(&ada.user.id.to_string()), "{log}");
    assert!(!log.contains("@test.com"), "{log}");
}

#[tokio::test]
async fn a_line_for_each_request_is_a_setting() {
    for (requests, expected) in [(false, 0), (true, 1)] {
        let test = TestApp::with(|config| config.log.requests = requests).await;
        let captured = Captured::default();
        let log = &test.app.config.log;
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(serving::filter(&log.filter, log.requests.into()))
            .with_writer(captured.clone())
            .with_ansi(false);
        let _guard = tracing::subscriber::set_default(subscriber.finish());
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let request = Request::get("/healthz").header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
        test.anonymous().request(request.body(Body::empty()).unwrap()).await;
        let log = captured.text();
        let found = log.lines().filter(|line| line.contains("/healthz") && line.contains(trace)).count();
        assert_eq!(found, expected, "{log}");
    }
}

/// In production the log is JSON, which shows less of an error than text.
#[tokio::test]
async fn the_cause_of_an_internal_error_is_logged_in_json_with_the_identifier_of_its_request() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(captured.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let token = test.signed_in("ada@test.com", Rank::User).await.access;
    for table in ["login_events", "clients"] {
        test.app.db.execute_unprepared(&format!("ALTER TABLE {table} RENAME TO {table}_away")).await.unwrap();
    }
    let failed = test.anonymous().login("ada@test.com", PASSWORD).await;
    let secret = [("client_id", client.id.to_string()), ("client_secret", client.secret), ("token", token)];
    let secret = secret.each_ref().map(|(name, value)| (*name, value.as_str()));
    let at_endpoints = [
        test.anonymous().form("/oauth/introspect", &secret).await,
        test.anonymous().form("/oauth/revoke", &secret).await,
    ];

    assert_eq!(failed.code(), "INTERNAL");
    assert!(!failed.text.contains("login_events"), "{}", failed.text);
    let log = captured.text();
    let lines: Vec<_> = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
    let received = |id| lines.iter().filter(move |line| line["level"] == "ERROR" && line["span"]["id"] == id);
    let cause = |id| received(id).map(|line| line["error"].as_str().unwrap_or_default()).collect::<String>();
    assert!(cause(failed.headers["x-request-id"].to_str().unwrap()).contains("login_events"), "{log}");
    for answer in &at_endpoints {
        let id = answer.headers["x-request-id"].to_str().unwrap();
        assert!(answer.status.is_server_error() && cause(id).contains("clients"), "{log}");
    }
}
