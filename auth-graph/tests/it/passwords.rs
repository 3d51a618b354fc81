//! Passwords: resetting, changing, and the rules for new ones.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use chrono::Duration;
use engine::accounts::{self, Rank};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, MailingApp, PASSWORD, TestApp, operation};

const NEW: &str = "four unrelated words here";

async fn change(caller: &Caller, current: Value, password: &str) -> Answer {
    let input = json!({ "currentPassword": current, "newPassword": password });
    caller.send(operation!("change_password"), json!({ "input": input })).await
}

#[tokio::test]
async fn a_forgotten_password_is_reset_and_every_session_ends() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    site.test.anonymous().request_reset("Ada@test.com").await.data("requestPasswordReset");
    let mail = site.mail().await;
    let refused = site.test.anonymous().reset(mail.token(), "password1").await;
    assert_eq!((refused.code(), &refused.error()["extensions"]["field"]), ("VALIDATION_FAILED", &json!("newPassword")));
    let answer = site.test.anonymous().reset(mail.token(), NEW).await;
    assert_eq!(answer.data("resetPassword")["revokedSessions"], 1);
    assert_eq!(ada.caller.me().await.code(), "TOKEN_REVOKED");
    assert_eq!(site.test.anonymous().login("ada@test.com", PASSWORD).await.code(), "INVALID_CREDENTIALS");
    let user = site.test.anonymous().login("ada@test.com", NEW).await.data("login")["user"].clone();
    assert_eq!(user["emailVerified"], true);
    assert_eq!(site.mail().await.subject, "Your password was changed");
    assert_eq!(site.test.anonymous().reset(mail.token(), PASSWORD).await.code(), "ONE_TIME_TOKEN_INVALID");
}

/// CVE-2026-105210: different errors revealed which addresses have an account.
#[tokio::test]
async fn no_answer_reveals_whether_an_address_is_known() {
    let site = MailingApp::new().await;
    site.test.create_user("ada@test.com").await;
    let disabled = site.test.create_user("disabled@test.com").await;
    site.test.disable(disabled.id).await;
    let known = site.test.anonymous().request_reset("ada@test.com").await.text;
    assert_eq!(known, site.test.anonymous().request_reset("nobody@test.com").await.text);
    assert_eq!(known, site.test.anonymous().request_reset("disabled@test.com").await.text);
    assert_eq!(site.mail().await.to, "ada@test.com");
}

/// GHSA-7w99-5wm4-3g79: a token was read and then deleted, so that two requests could use it.
#[tokio::test]
async fn authorizer_736_fifty_parallel_redemptions_have_one_effect() {
    let site = MailingApp::new().await;
    let user = site.test.create_user("ada@test.com").await;
    site.test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
    let mail = site.mail().await;
    let caller = site.test.anonymous();
    let answers = join_all((0..50).map(|_| caller.reset(mail.token(), NEW))).await;
    let good: Vec<_> = answers.iter().filter(|answer| answer.body["errors"].is_null()).collect();
    assert_eq!(good.len(), 1);
    let now = accounts::by_email(&site.test.app, &user.email).await.unwrap();
    assert_eq!(now.version, 2);
}

/// CVE-2023-0264: a token of one user could be used to sign in as another.
#[tokio::test]
async fn a_token_is_bound_to_its_purpose_its_address_and_its_time() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    let caller = site.test.anonymous();
    caller.request_reset("ada@test.com").await.data("requestPasswordReset");
    let first = site.mail().await;
    let other_purpose = caller.send(operation!("verify_email"), json!({ "token": first.token() })).await;
    assert_eq!(other_purpose.code(), "ONE_TIME_TOKEN_INVALID");
    for changed in [&first.token()[1..], &format!("{}A", first.token()), "", "ago_"] {
        assert_eq!(caller.reset(changed, NEW).await.code(), "ONE_TIME_TOKEN_INVALID", "{changed}");
    }
    let input = json!({ "email": "new@test.com", "password": PASSWORD });
    ada.caller.send(operation!("change_email"), json!({ "input": input })).await.data("changeEmail");
    let confirmation = site.mail().await;
    caller.confirm(confirmation.token()).await.data("verifyEmail");
    assert_eq!(caller.reset(first.token(), NEW).await.code(), "ONE_TIME_TOKEN_INVALID");

    site.mails().await;
    caller.request_reset("new@test.com").await.data("requestPasswordReset");
    let second = site.mail().await;
    site.test.app.clock.advance(Duration::hours(1));
    assert_eq!(caller.reset(second.token(), NEW).await.code(), "ONE_TIME_TOKEN_INVALID");
}

#[tokio::test]
async fn a_password_is_changed_with_the_current_one_and_every_session_ends() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    assert_eq!(change(&ada.caller, Value::Null, NEW).await.code(), "REAUTHENTICATION_REQUIRED");
    assert_eq!(change(&ada.caller, json!("a wrong one"), NEW).await.code(), "INVALID_CREDENTIALS");
    assert_eq!(change(&site.test.anonymous(), json!(PASSWORD), NEW).await.code(), "UNAUTHENTICATED");
    assert_eq!(change(&ada.caller, json!(PASSWORD), NEW).await.data("changePassword")["revokedSessions"], 1);
    assert_eq!(ada.caller.me().await.code(), "TOKEN_REVOKED");
    site.test.anonymous().login("ada@test.com", NEW).await.data("login");
}

#[tokio::test]
async fn guesses_at_the_current_password_are_limited() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let before = test.app.passwords.pool.computed();
    let answers = join_all((0..50).map(|_| change(&ada.caller, json!("a wrong one"), NEW))).await;
    assert_eq!(answers.iter().filter(|answer| answer.code() == "RATE_LIMITED").count(), 40);
    assert_eq!(test.app.passwords.pool.computed() - before, 10);
}

#[tokio::test]
async fn weak_passwords_are_rejected_with_the_reason() {
    let folder = tempfile::TempDir::new().unwrap();
    let list = folder.path().join("breached.txt");
    // The SHA-1 of "known from a breach 1" between its neighbours.
    let hash = aws_hash("known from a breach 1");
    let mut lines: Vec<String> = (0..500).map(|number| format!("{}:7", aws_hash(&number.to_string()))).collect();
    lines.push(format!("{hash}:3"));
    lines.sort();
    std::fs::write(&list, lines.join("\r\n")).unwrap();
    let test = TestApp::with(|config| config.passwords.breached_list = list).await;
    let ada = test.signed_in("ada.lovelace@test.com", Rank::User).await;
    for (password, reason) in [
        ("short", "8 to 256"),
        (&*"x".repeat(257), "8 to 256"),
        ("password1", "easy to guess"),
        ("93572846", "digits only"),
        ("8305719264810", "digits only"),
        ("٨٣٠٥٧١٩٢٦٤٨١٠", "digits only"),
        ("ada.lovelace1", "too much like"),
        ("Velace@test.com", "too much like"),
        ("ÀDA.LOVELÁCE1", "too much like"),
        ("user-pass", "documentation"),
        ("known from a breach 1", "breach"),
    ] {
        let refused = change(&ada.caller, json!(PASSWORD), password).await;
        assert_eq!(refused.code(), "VALIDATION_FAILED");
        assert_eq!(refused.error()["extensions"]["field"], "newPassword", "{password}");
        assert!(refused.error()["message"].as_str().unwrap().contains(reason), "{password}: {}", refused.text);
    }
    change(&ada.caller, json!(PASSWORD), "not known from a breach").await.data("changePassword");
}

#[tokio::test]
async fn a_service_of_breached_passwords_receives_five_digits_and_its_outage_blocks_no_user() {
    let known = aws_hash("known from a breach 1");
    let padding = aws_hash("only a padding of it");
    let asked: Arc<Mutex<Vec<(String, bool)>>> = Arc::default();
    let (seen, answers) = (asked.clone(), [known.clone(), padding]);
    let range = async move |Path(digits): Path<String>, headers: HeaderMap| {
        seen.lock().unwrap().push((digits.clone(), headers.contains_key("add-padding")));
        if digits.starts_with('0') {
            return (StatusCode::INTERNAL_SERVER_ERROR, String::new());
        }
        let [known, padding] = &answers;
        (StatusCode::OK, format!("{}:3\r\n{}:0\r\n0018A45C4D1DEF81644B54AB7F969B88D65:1", &known[5..], &padding[5..]))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/range/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/range/{digits}", get(range))).await });
    let test = TestApp::with(|config| config.passwords.breached_url = url).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    asked.lock().unwrap().clear();
    let refused = change(&ada.caller, json!(PASSWORD), "known from a breach 1").await;
    assert!(refused.error()["message"].as_str().unwrap().contains("breach"), "{}", refused.text);
    assert_eq!(*asked.lock().unwrap(), [(known[..5].to_owned(), true)]);
    change(&ada.caller, json!(PASSWORD), "only a padding of it").await.data("changePassword");
    let failing =
        (0..).map(|number| format!("not known from it {number}")).find(|text| aws_hash(text).starts_with('0'));
    let ada = test.sign_in_with(ada.user, "only a padding of it").await;
    change(&ada.caller, json!("only a padding of it"), &failing.unwrap()).await.data("changePassword");
}

/// The variables may be meant for other programs. The proxy is a port at which nothing listens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_of_the_environment_is_not_used() {
    let known = aws_hash("known from a breach 1");
    let range = async move || format!("{}:3", &known[5..]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/range", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/range/{told}", get(range))).await });
    let folder = tempfile::TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-graph"));
    command.current_dir(folder.path()).env_clear().stdin(Stdio::piped()).stderr(Stdio::piped());
    command.envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, "http://127.0.0.1:1")));
    command.env("AUTH_GRAPH_PASSWORDS__BREACHED_URL", url).args(["user", "create", "ada@test.com"]);
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"known from a breach 1\n").unwrap();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("breach"), "{message}");
}

#[tokio::test]
async fn a_password_in_another_unicode_form_is_the_same() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    change(&ada.caller, json!(PASSWORD), "cafe\u{301} noir sans sucre").await.data("changePassword");
    test.anonymous().login("ada@test.com", "caf\u{e9} noir sans sucre").await.data("login");
    test.anonymous().login("ada@test.com", "cafe\u{301} noir sans sucre").await.data("login");
}

/// A hash is renewed at a sign-in, with whatever keyboard it is.
#[tokio::test]
async fn a_renewed_hash_is_that_of_every_unicode_form() {
    let test = TestApp::new().await;
    let ada = test.create_user("ada@test.com").await;
    let forms = ["cafe\u{301} noir sans sucre", "caf\u{e9} noir sans sucre"];
    let mut config = test.app.config.clone();
    config.passwords.iterations = 3;
    let costly = engine::boot(config, test.app.clock.clone()).await.unwrap();
    for first in forms {
        let hash = test.app.passwords.pool.hash(&forms[0].into()).await.unwrap();
        let before = store::user_credentials::of_user(&test.app.db, ada.id).await.unwrap();
        let after = store::user_credentials::Model { secret: hash.clone(), ..before[0].clone() };
        store::user_credentials::replace(&test.app.db, &before, &[after]).await.unwrap();
        for form in [first, forms[0], forms[1]] {
            let login = engine::signing_in::Login {
                identifier: ada.email.clone().into(),
                password: form.into(),
                audience: None,
                scope: None,
            };
            engine::signing_in::login(&costly, login, &Default::default()).await.unwrap();
        }
        let renewed = store::user_credentials::of_user(&test.app.db, ada.id).await.unwrap();
        assert_ne!(renewed[0].secret, hash);
    }
}

#[tokio::test]
async fn ghsa_7rqj_j65f_68wh_addresses_are_normalised_before_they_are_looked_up() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    test.anonymous().login(" ＡＤＡ＠test.com ", PASSWORD).await.data("login");
    for bad in
        ["ada@test.com＠evil.test", "ada@test.com\r\nBcc: eve@evil.test", "a..b@test.com", "ada@-test.com", "аda@t.de"]
    {
        assert_eq!(test.anonymous().login(bad, PASSWORD).await.code(), "VALIDATION_FAILED", "{bad}");
    }
}

fn aws_hash(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}
