//! Every way in which a password is compared, with what must hold for each. `one_file_compares_passwords` fails when
//! another file compares: add a row then. More about links of mails is in `account_advisories` and `lock_outs`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use engine::accounts::Rank;
use sea_orm::EntityTrait;
use serde_json::json;
use store::{login_events, user_credentials};

use crate::support::{Answer, MailingApp, PASSWORD, SignedIn, TestApp, operation};

const NEW: &str = "four unrelated words here";
/// A sample password of the documentation.
const SAMPLE: &str = "user-pass";

/// A request with a password that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Login,
    RestToken,
    RestPasswordChange,
    ChangePassword,
    ChangeEmail,
    DeleteAccount,
    VerifyEmail,
}

const WAYS: [Way; 7] = [
    Way::Login,
    Way::RestToken,
    Way::RestPasswordChange,
    Way::ChangePassword,
    Way::ChangeEmail,
    Way::DeleteAccount,
    Way::VerifyEmail,
];

struct World {
    site: MailingApp,
    ada: SignedIn,
    /// Token of a mail that confirms an address.
    link: String,
}

impl World {
    async fn new() -> Self {
        let site = MailingApp::with(|config| config.rest.enabled = true).await;
        let ada = site.test.signed_in("ada@test.com", Rank::User).await;
        let input = json!({ "email": "next@test.com" });
        ada.caller.send(operation!("change_email"), json!({ "input": input })).await.data("changeEmail");
        let link = site.mails().await[0].token().to_owned();
        Self { site, ada, link }
    }

    async fn take(&self, way: Way, password: &str) -> Answer {
        let (anyone, email) = (self.site.test.anonymous(), self.ada.user.email.as_str());
        let send = async |document: &str, variables| self.ada.caller.send(document, variables).await;
        match way {
            Way::Login => anyone.login(email, password).await,
            Way::RestToken => anyone.post("/auth/token/", json!({ "email": email, "password": password })).await,
            Way::RestPasswordChange => self.rest_change(email, password, NEW).await,
            Way::ChangePassword => {
                let input = json!({ "currentPassword": password, "newPassword": NEW });
                send(operation!("change_password"), json!({ "input": input })).await
            }
            Way::ChangeEmail => {
                let input = json!({ "email": "other@test.com", "password": password });
                send(operation!("change_email"), json!({ "input": input })).await
            }
            Way::DeleteAccount => send(operation!("delete_account"), json!({ "password": password })).await,
            Way::VerifyEmail => anyone.confirm_with(&self.link, Some(password)).await,
        }
    }

    async fn rest_change(&self, email: &str, password: &str, new: &str) -> Answer {
        let body = json!({ "email": email, "password": password, "new_password": new });
        self.site.test.anonymous().post("/auth/password-change/", body).await
    }

    /// Returns the failures that the user sees.
    async fn failures(&self) -> Vec<login_events::Model> {
        let events = login_events::Entity::find().all(&self.site.test.app.db).await.unwrap();
        events.into_iter().filter(|event| event.code.is_some() && event.user_id == Some(self.ada.user.id)).collect()
    }

    /// Returns the number of refused passwords by the metrics.
    fn refused(&self) -> u32 {
        let metrics = self.site.test.app.metrics.render();
        let lines = metrics.lines().filter(|line| {
            ["auth_graph_logins_total{", "auth_graph_password_proofs_total{"].iter().any(|name| line.starts_with(name))
                && line.contains("refused")
        });
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u32>().unwrap()).sum()
    }
}

/// Returns whether the password was accepted.
fn is_granted(answer: &Answer) -> bool {
    answer.status.is_success() && answer.body["errors"].is_null()
}

/// Returns whether the password was not compared because of a limit.
fn is_limited(answer: &Answer) -> bool {
    answer.status == 429 || answer.body["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
}

#[tokio::test]
async fn the_right_password_is_accepted_in_each_way() {
    for way in WAYS {
        let world = World::new().await;
        let answer = world.take(way, PASSWORD).await;
        assert!(is_granted(&answer), "{way:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_sample_password_is_accepted_in_no_way_outside_of_the_demo() {
    for way in WAYS {
        let world = World::new().await;
        let app = &world.site.test.app;
        // Current rules do not allow such a password, but the demo may have stored it.
        let hash = app.passwords.pool.hash(&SAMPLE.into()).await.unwrap();
        let before = user_credentials::of_user(&app.db, world.ada.user.id).await.unwrap();
        let after = user_credentials::Model { secret: hash, ..before[0].clone() };
        user_credentials::replace(&app.db, &before, &[after]).await.unwrap();
        let answer = world.take(way, SAMPLE).await;
        assert!(!is_granted(&answer), "{way:?}: {}", answer.text);
        assert_eq!(world.failures().await.len(), 1, "{way:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_leaves_a_trace_in_each_way() {
    for way in WAYS {
        let world = World::new().await;
        let answer = world.take(way, "a wrong password").await;
        assert!(!is_granted(&answer), "{way:?}: {}", answer.text);
        let failures = world.failures().await;
        let seen: Vec<_> = failures.iter().map(|event| (event.code.as_deref(), event.method.as_deref())).collect();
        assert_eq!(seen, [(Some("INVALID_CREDENTIALS"), Some("pwd"))], "{way:?}");
        assert_eq!(failures[0].ip_address.as_deref(), Some("192.0.2.1"), "{way:?}");
        assert_eq!(world.refused(), 1, "{way:?}");
    }
}

#[tokio::test]
async fn wrong_passwords_are_limited_in_each_way() {
    for way in WAYS {
        let world = World::new().await;
        for number in 1..=10 {
            let answer = world.take(way, "a wrong password").await;
            assert!(!is_granted(&answer) && !is_limited(&answer), "{way:?}, {number}: {}", answer.text);
        }
        let answer = world.take(way, PASSWORD).await;
        assert!(is_limited(&answer), "{way:?}: {}", answer.text);
    }
}

/// Otherwise it would be a way to check stolen passwords that their owners do not notice.
#[tokio::test]
async fn a_bad_new_password_does_not_tell_whether_the_current_one_is_right() {
    let world = World::new().await;
    for new in ["x", "password1", "ada@test.com"] {
        let right = world.rest_change("ada@test.com", PASSWORD, new).await;
        for (email, password) in [("ada@test.com", "a wrong password"), ("nobody@test.com", PASSWORD)] {
            let other = world.rest_change(email, password, new).await;
            let is_about_the_address = new == "ada@test.com" && email != new;
            assert!(is_about_the_address || right.text == other.text, "{new}: {} and {}", right.text, other.text);
        }
        let change = async |current: &str| {
            let input = json!({ "currentPassword": current, "newPassword": new });
            world.ada.caller.send(operation!("change_password"), json!({ "input": input })).await.text
        };
        assert_eq!(change(PASSWORD).await, change("a wrong password").await, "{new}");
    }
    // Only the name of the user shows that this password is bad, so the current one was compared.
    let told = world.rest_change("ada@test.com", PASSWORD, "Lovelace7%qZw").await;
    assert_eq!(told.status, 400, "{}", told.text);
    assert!(told.body["new_password"].is_array(), "{}", told.text);
    let failures = world.failures().await;
    assert_eq!(failures.last().unwrap().code.as_deref(), Some("VALIDATION_FAILED"));
}

/// The service is a third party, and its answer takes time.
#[tokio::test]
async fn a_new_password_is_looked_up_among_breached_ones_once() {
    let asked: Arc<AtomicUsize> = Arc::default();
    let counting = asked.clone();
    let range = async move || {
        counting.fetch_add(1, Ordering::Relaxed);
        "0018A45C4D1DEF81644B54AB7F969B88D65:1"
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/range/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/range/{digits}", get(range))).await });
    let test = TestApp::with(|config| {
        config.rest.enabled = true;
        config.passwords.breached_url = url;
    })
    .await;
    test.create_user("ada@test.com").await;
    let before = asked.load(Ordering::Relaxed);
    let body = json!({ "email": "ada@test.com", "password": PASSWORD, "new_password": NEW });
    let changed = test.anonymous().post("/auth/password-change/", body).await;
    assert_eq!((changed.status.as_u16(), asked.load(Ordering::Relaxed) - before), (200, 1), "{}", changed.text);
}

#[tokio::test]
async fn a_signed_in_user_learns_which_password_was_wrong() {
    for (way, field, message) in [
        (Way::ChangePassword, "currentPassword", "The current password is wrong."),
        (Way::ChangeEmail, "password", "The password is wrong."),
        (Way::DeleteAccount, "password", "The password is wrong."),
        (Way::VerifyEmail, "password", "The password is wrong."),
    ] {
        let world = World::new().await;
        let answer = world.take(way, "a wrong password").await;
        assert_eq!(answer.code(), "INVALID_CREDENTIALS");
        assert_eq!(
            (&answer.error()["extensions"]["field"], &answer.error()["message"]),
            (&json!(field), &json!(message))
        );
    }
}

/// Only `engine::comparing` counts attempts and records failures, so no other file may compare.
#[test]
fn one_file_compares_passwords() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (word, files) in [
        (".compare(", &["engine/src/comparing.rs"][..]),
        (".is_sample()", &["engine/src/comparing.rs", "model/src/values/password.rs"]),
        (
            "comparing::compare(",
            &[
                "engine/src/accounts/addresses.rs",
                "engine/src/accounts/proof.rs",
                "engine/src/accounts/registration.rs",
                "engine/src/easyjwt/accounts.rs",
                "engine/src/signing_in/login.rs",
            ],
        ),
    ] {
        let mut found = Vec::new();
        for folder in ["src", "engine/src", "credentials/src", "model/src", "store/src"] {
            collect(root, &root.join(folder), word, &mut found);
        }
        found.sort();
        assert_eq!(found, files, "{word}");
    }
}

fn collect(root: &Path, folder: &Path, word: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, word, found);
        } else if std::fs::read_to_string(&path).unwrap().contains(word) {
            found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
        }
    }
}
