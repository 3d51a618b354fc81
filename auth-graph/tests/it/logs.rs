//! Secrets never reach the log, whatever goes wrong.

use std::io;
use std::sync::{Arc, Mutex};

use auth_graph::auth::accounts::Rank;
use sea_orm::ConnectionTrait;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{PASSWORD, TestApp};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

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
    // A fault of ours, with a cause that goes to the log.
    test.app.db.clone().close().await.unwrap();
    let failed = caller.login("ada@test.com", PASSWORD).await;

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
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

/// In production the log is JSON, which has less to say of an error than text has.
#[tokio::test]
async fn the_cause_of_a_fault_of_ours_is_logged_in_json_too() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(captured.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let test = TestApp::new().await;
    test.app.db.execute_unprepared("DROP TABLE login_events").await.unwrap();
    let failed = test.anonymous().login("ada@test.com", PASSWORD).await;

    assert_eq!(failed.code(), "INTERNAL");
    assert!(!failed.text.contains("login_events"), "{}", failed.text);
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let told = lines.filter(|line| line["message"] == "a request failed").collect::<Vec<_>>();
    assert!(told.len() == 1 && told[0]["error"].as_str().unwrap().contains("login_events"), "{log}");
}
