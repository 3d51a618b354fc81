//! Signing in.

use std::pin::pin;

use chrono::Duration;
use engine::accounts::Rank;
use engine::administration::{self, NewAccount};
use engine::callers::Actor;
use engine::callers::Device;
use engine::easyjwt::change_password_by_credentials;
use engine::limits::{Attempt, LimitedAction};
use engine::signing_in::Identifier;
use futures_util::future::join_all;
use futures_util::poll;
use model::config::Profile;
use model::error::{Code, Error};
use model::values::NewPassword;
use sea_orm::EntityTrait;
use serde_json::json;
use store::{login_events, users};

use crate::support::{BusyHasher, PASSWORD, TestApp, operation};

#[tokio::test]
async fn a_user_signs_in_and_reads_their_own_data() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("Ada@Test.com", Rank::User).await;
    let answer = signed_in.caller.me().await;
    let me = answer.data("me");
    assert_eq!(me["id"], signed_in.user.id.to_string());
    assert_eq!(me["email"], "ada@test.com");
    assert_eq!(me["version"], 1);
}

#[tokio::test]
async fn the_token_pair_has_the_data_that_clients_need() {
    let test = TestApp::new().await;
    test.create("staff@test.com", Rank::Staff).await;
    let answer = test.anonymous().login("staff@test.com", PASSWORD).await;
    let pair = answer.data("login");
    assert_eq!(pair["__typename"], "TokenPair");
    assert_eq!(pair["tokenType"], "Bearer");
    assert_eq!(pair["expiresIn"], 300);
    assert_eq!(pair["scope"], json!(["users:read"]));
    assert_eq!(pair["user"]["roles"], json!(["staff"]));
    assert!(pair["refreshToken"].as_str().unwrap().starts_with("agr_"));
    assert!(pair["refreshExpiresAt"].as_str() > pair["expiresAt"].as_str());
}

#[tokio::test]
async fn an_unknown_user_a_wrong_password_and_a_disabled_user_get_one_answer_at_one_cost() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    let disabled = test.create_user("disabled@test.com").await;
    test.disable(disabled.id).await;
    let mut seen = Vec::new();
    for (email, password) in
        [("nobody@test.com", PASSWORD), ("ada@test.com", "wrong password"), ("disabled@test.com", PASSWORD)]
    {
        let before = test.app.passwords.pool.computed();
        let answer = test.anonymous().login(email, password).await;
        seen.push((answer.text.clone(), test.app.passwords.pool.computed() - before));
        assert_eq!(answer.code(), "INVALID_CREDENTIALS");
    }
    assert_eq!(seen[0].1, 1);
    assert!(seen.iter().all(|answer| *answer == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn each_attempt_is_recorded_and_an_unknown_address_is_not_stored() {
    let test = TestApp::new().await;
    let user = test.create_user("ada@test.com").await;
    test.anonymous().login("ada@test.com", PASSWORD).await;
    test.anonymous().login("ada@test.com", "wrong password").await;
    test.anonymous().login("nobody@test.com", "wrong password").await;
    let events = login_events::Entity::find().all(&test.app.db).await.unwrap();
    let mut seen: Vec<_> = events.iter().map(|event| (event.user_id, event.code.as_deref())).collect();
    seen.sort();
    let refused = Some(Code::InvalidCredentials.as_str());
    assert_eq!(seen, [(None, refused), (Some(user.id), None), (Some(user.id), refused)]);
    assert!(events.iter().all(|event| event.ip_address.as_deref() == Some("192.0.2.1")));
}

#[tokio::test]
async fn a_narrower_scope_is_granted_and_a_wider_one_is_not() {
    let test = TestApp::new().await;
    test.create("root@test.com", Rank::Superuser).await;
    test.create_user("ada@test.com").await;
    let ask = async |email: &str, scope: &[&str]| {
        let input = json!({ "email": email, "password": PASSWORD, "scope": scope });
        let answer = test.anonymous().send(operation!("login"), json!({ "input": input })).await;
        answer.data("login")["scope"].clone()
    };
    assert_eq!(ask("root@test.com", &["users:read"]).await, json!(["users:read"]));
    assert_eq!(ask("ada@test.com", &["users:read", "users:write"]).await, json!([]));
}

#[tokio::test]
async fn an_invalid_address_or_scope_is_named() {
    let test = TestApp::new().await;
    for (input, field) in [
        (json!({ "email": "not an address", "password": "x" }), "email"),
        (json!({ "email": "аdmin@test.com", "password": "x" }), "email"),
        (json!({ "email": "ada@test.com", "password": "x", "scope": ["a \"b\""] }), "scope"),
    ] {
        let answer = test.anonymous().send(operation!("login"), json!({ "input": input })).await;
        assert_eq!(answer.code(), "VALIDATION_FAILED");
        assert!(answer.error()["message"].as_str().unwrap().starts_with(field));
    }
}

#[tokio::test]
async fn cve_2024_4629_and_ghsa_44jh_23m7_hpcf_fifty_parallel_wrong_passwords_get_no_more_compares_than_the_limit() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    let before = test.app.passwords.pool.computed();
    let caller = test.anonymous();
    let answers = join_all((0..50).map(|_| caller.login("ada@test.com", "wrong password"))).await;
    let limited: Vec<_> = answers.iter().filter(|answer| answer.code() == "RATE_LIMITED").collect();
    assert_eq!(test.app.passwords.pool.computed() - before, 10);
    assert_eq!(limited.len(), 40);
    assert!(
        limited.iter().all(|answer| (1..=31).contains(&answer.error()["extensions"]["retryAfter"].as_u64().unwrap()))
    );
}

#[tokio::test]
async fn an_account_is_slowed_down_and_not_locked() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    for _ in 0..10 {
        test.anonymous().login("ada@test.com", "wrong password").await;
    }
    assert_eq!(test.anonymous().login("ada@test.com", PASSWORD).await.code(), "RATE_LIMITED");
    test.app.clock.advance(Duration::seconds(30));
    test.anonymous().login("ada@test.com", PASSWORD).await.data("login");
}

#[tokio::test]
async fn parallel_attempts_are_all_accepted_in_any_order() {
    let test = TestApp::new().await;
    let (email, now) = ("ada@test.com".parse().unwrap(), test.app.clock.now());
    let take = async |looked_at| {
        let password = LimitedAction::Password(&email);
        let heard = Attempt::take(&test.app.db, &test.app.config.limits, password, None, looked_at).await;
        heard.map(drop).map_err(|error| error.code())
    };
    for early in [0, 2, 1, 2, 0, 2, 1, 0, 2, 2] {
        assert_eq!(take(now - Duration::seconds(early)).await, Ok(()));
    }
    assert_eq!(take(now).await, Err(Code::RateLimited));
    assert_eq!(take(now + Duration::seconds(20)).await, Err(Code::RateLimited), "an interval is thirty seconds");
    assert_eq!(take(now + Duration::seconds(30)).await, Ok(()));
    assert_eq!(
        take(now + Duration::seconds(50)).await,
        Err(Code::RateLimited),
        "the next one is counted from the last"
    );
}

#[tokio::test]
async fn a_success_gives_its_attempt_back() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    for _ in 0..25 {
        test.anonymous().login("ada@test.com", PASSWORD).await.data("login");
    }
}

#[tokio::test]
async fn ghsa_p6v2_xcpg_h6xw_one_ipv6_network_is_one_client() {
    let test = TestApp::with(|config| config.limits.network_attempts = 2).await;
    let attempt = async |address: &str, number: u32| {
        let caller = test.anonymous().at_address(address);
        caller.login(&format!("nobody-{number}@test.com"), "wrong password").await.code().to_owned()
    };
    assert_eq!(attempt("2001:db8::1", 1).await, "INVALID_CREDENTIALS");
    assert_eq!(attempt("2001:db8::2", 2).await, "INVALID_CREDENTIALS");
    assert_eq!(attempt("2001:db8::3", 3).await, "RATE_LIMITED");
    assert_eq!(attempt("2001:db8:0:1::1", 4).await, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn the_maximum_limits_of_the_configuration_do_not_overflow() {
    let test = TestApp::with(|config| {
        config.limits.account_attempts = 1_000_000;
        config.limits.account_interval = Duration::days(30);
        config.limits.network_attempts = 1;
        config.limits.network_interval = Duration::days(30);
    })
    .await;
    let caller = test.anonymous();
    assert_eq!(caller.login("nobody@test.com", "wrong password").await.code(), "INVALID_CREDENTIALS");
    let refused = caller.login("nobody@test.com", "wrong password").await;
    assert_eq!(refused.error()["extensions"]["retryAfter"], 30 * 86_400);
}

#[tokio::test]
async fn a_limited_account_takes_no_attempt_from_its_network() {
    let test = TestApp::with(|config| {
        config.limits.account_attempts = 1;
        config.limits.network_attempts = 3;
    })
    .await;
    let caller = test.anonymous().at_address("192.0.2.1");
    let attempt = async |email: &str| caller.login(email, "wrong password").await.code().to_owned();
    assert_eq!(attempt("ada@test.com").await, "INVALID_CREDENTIALS");
    for _ in 0..10 {
        assert_eq!(attempt("ada@test.com").await, "RATE_LIMITED");
    }
    assert_eq!(attempt("bob@test.com").await, "INVALID_CREDENTIALS");
    assert_eq!(attempt("cy@test.com").await, "INVALID_CREDENTIALS");
    assert_eq!(attempt("dan@test.com").await, "RATE_LIMITED", "the network has none left");
}

/// Creates an app with a queue for one password, and ten free attempts.
async fn with_a_short_queue() -> TestApp {
    TestApp::with(|config| {
        config.passwords.queue = 1;
        config.limits.account_attempts = 10;
    })
    .await
}

#[tokio::test]
async fn a_full_queue_rejects_log_ins_with_the_time_to_wait() {
    let test = with_a_short_queue().await;
    test.create_user("ada@test.com").await;
    let caller = test.anonymous();
    let busy = BusyHasher::of(&test.app);
    let password = "the one that waits".into();
    let mut waits = pin!(test.app.passwords.pool.hash(&password));
    assert!(poll!(&mut waits).is_pending());
    let shed = join_all((0..10).map(|_| caller.login("ada@test.com", PASSWORD))).await;
    assert!(shed.iter().all(|answer| answer.code() == "UNAVAILABLE"));
    assert!(shed.iter().all(|answer| answer.error()["extensions"]["retryAfter"] == 1));
    drop(busy);
    waits.await.expect("a waiting log-in is answered");
    for _ in 0..10 {
        assert_eq!(caller.login("ada@test.com", "wrong").await.code(), "INVALID_CREDENTIALS", "no attempt was spent");
    }
    assert_eq!(caller.login("ada@test.com", "wrong").await.code(), "RATE_LIMITED");
}

#[tokio::test]
async fn an_attempt_without_a_comparison_does_not_count() {
    let test = with_a_short_queue().await;
    let ada = test.create_user("ada@test.com").await;
    let (wrong, device) = ("a wrong password".into(), Device::default());
    let change = async || {
        let password = NewPassword::parse("another-long-one-42".into()).unwrap();
        let changed =
            change_password_by_credentials(&test.app, &ada.email.clone().into(), &wrong, &password, &device).await;
        changed.unwrap_err().code()
    };
    let busy = BusyHasher::of(&test.app);
    let mut waits = pin!(test.app.passwords.pool.hash(&wrong));
    assert!(poll!(&mut waits).is_pending());
    assert_eq!(join_all((0..10).map(|_| change())).await, [Code::Unavailable; 10]);
    drop(busy);
    waits.await.unwrap();
    for _ in 0..10 {
        assert_eq!(change().await, Code::InvalidCredentials);
    }
    assert_eq!(change().await, Code::RateLimited);
}

async fn create(test: &TestApp, email: &str, password: &str) -> Result<users::Model, Error> {
    let password = NewPassword::parse(password.into()).unwrap();
    let new = NewAccount::plain(email.parse().unwrap(), Some(password));
    administration::create(&test.app, &Actor::operator(), new).await
}

#[tokio::test]
async fn sample_passwords_are_refused_outside_the_demo() {
    let test = TestApp::new().await;
    let refused = create(&test, "admin@test.com", "admin-pass").await.unwrap_err();
    assert_eq!(refused.code(), Code::ValidationFailed);

    let demo = TestApp::with(|config| config.profile = Profile::Demo).await;
    create(&demo, "admin@test.com", "admin-pass").await.unwrap();
    demo.anonymous().login("admin@test.com", "admin-pass").await.data("login");
}

#[tokio::test]
async fn a_sample_password_of_a_demo_database_is_rejected_elsewhere() {
    let demo = TestApp::with(|config| config.profile = Profile::Demo).await;
    create(&demo, "user@test.com", "user-pass").await.unwrap();

    let mut config = demo.app.config.clone();
    config.profile = Profile::Production;
    let app = engine::boot(config, demo.app.clock.clone()).await.unwrap();
    let login = engine::signing_in::Login {
        identifier: Identifier::Email("user@test.com".parse().unwrap()),
        password: "user-pass".into(),
        audience: None,
        scope: None,
    };
    let refused = engine::signing_in::login(&app, login, &Default::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidCredentials);
}
