//! Guesses of others do not keep users out of their accounts, and guessing comes to an end.

use std::collections::BTreeSet;

use chrono::Duration;
use engine::accounts::Rank;
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use serde_json::json;
use store::{known_networks, rate_limits};

use crate::support::{Caller, MailingApp, PASSWORD, TestApp, operation};

const NEW: &str = "four unrelated words here";

/// Returns a caller in a network where no user has signed in.
fn stranger(test: &TestApp) -> Caller {
    test.anonymous().at_address("203.0.113.9")
}

/// Guesses until no further guess is accepted.
async fn exhaust(caller: &Caller, email: &str) {
    let mut guesses = 0;
    while caller.login(email, "a wrong password").await.code() != "RATE_LIMITED" {
        guesses += 1;
        assert!(guesses < 50, "guesses are not limited");
    }
}

async fn code(caller: &Caller, email: &str, password: &str) -> String {
    let answer = caller.login(email, password).await;
    if answer.body["errors"].is_null() { "OK".to_owned() } else { answer.code().to_owned() }
}

#[tokio::test]
async fn guesses_of_strangers_do_not_keep_a_user_out_of_a_network_that_they_have_signed_in_from() {
    let test = TestApp::with(|config| config.rest.enabled = true).await;
    test.signed_in("ada@test.com", Rank::User).await;
    let owner = test.anonymous();
    exhaust(&stranger(&test), "ada@test.com").await;
    assert_eq!(code(&owner, "ada@test.com", PASSWORD).await, "OK");
    let body = json!({ "email": "ada@test.com", "password": PASSWORD });
    assert_eq!(owner.post("/auth/token/", body).await.status, 200);
    // Nobody guesses faster in that network.
    exhaust(&owner, "ada@test.com").await;
    assert_eq!(code(&stranger(&test), "ada@test.com", PASSWORD).await, "RATE_LIMITED");

    test.app.clock.advance(Duration::days(91));
    exhaust(&stranger(&test), "ada@test.com").await;
    assert_eq!(code(&owner, "ada@test.com", PASSWORD).await, "RATE_LIMITED", "the network is forgotten");
}

#[tokio::test]
async fn guesses_of_strangers_do_not_keep_a_signed_in_user_from_changing_the_account() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    // Others in the network of the user, too.
    exhaust(&test.anonymous(), "ada@test.com").await;
    exhaust(&stranger(&test), "ada@test.com").await;
    let input = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    ada.caller.send(operation!("change_password"), json!({ "input": input })).await.data("changePassword");
    // With the new password the user signs in at once.
    assert_eq!(code(&test.anonymous(), "ada@test.com", NEW).await, "OK");
}

#[tokio::test]
async fn guesses_of_strangers_do_not_keep_a_user_from_confirming_an_address() {
    let site = MailingApp::new().await;
    let owner = site.test.anonymous();
    owner.register("ada@test.com").await.data("register");
    let registration = site.mail().await;
    for guesser in [&owner, &stranger(&site.test)] {
        exhaust(guesser, "ada@test.com").await;
    }
    owner.confirm(registration.token()).await.data("verifyEmail");
    // Guesses with the link are limited by themselves.
    owner.register("eve@test.com").await.data("register");
    let link = site.mail().await;
    for _ in 0..10 {
        let refused = owner.confirm_with(link.token(), Some("a wrong password")).await;
        assert_eq!(refused.code(), "INVALID_CREDENTIALS");
    }
    assert_eq!(owner.confirm(link.token()).await.code(), "RATE_LIMITED");
}

#[tokio::test]
async fn no_mail_of_another_purpose_uses_up_the_mails_that_reset_a_password() {
    let site = MailingApp::new().await;
    let ada = site.test.signed_in("ada@test.com", Rank::User).await;
    let anyone = stranger(&site.test);
    for _ in 0..6 {
        anyone.register("ada@test.com").await;
        ada.caller.change_email("ada@test.com").await;
        ada.caller.send(operation!("request_email_verification"), json!({})).await;
    }
    assert_eq!(anyone.register("ada@test.com").await.code(), "RATE_LIMITED");
    site.mails().await;
    site.test.anonymous().request_reset("ada@test.com").await.data("requestPasswordReset");
    assert_eq!(site.mail().await.subject, "Choose a new password");
}

#[tokio::test]
async fn a_user_in_a_new_network_gets_in_by_resetting_the_password_whatever_others_try() {
    let site = MailingApp::new().await;
    site.test.create_user("ada@test.com").await;
    let (owner, guesser) = (site.test.anonymous(), stranger(&site.test));
    exhaust(&guesser, "ada@test.com").await;
    assert_eq!(code(&owner, "ada@test.com", PASSWORD).await, "RATE_LIMITED");
    owner.request_reset("ada@test.com").await.data("requestPasswordReset");
    owner.reset(site.mail().await.token(), NEW).await.data("resetPassword");
    exhaust(&guesser, "ada@test.com").await;
    assert_eq!(code(&owner, "ada@test.com", NEW).await, "OK");
}

#[tokio::test]
async fn failures_in_a_row_make_the_wait_longer_and_the_user_is_notified_once() {
    let site = MailingApp::with(|config| config.limits.account_failures = 60).await;
    let test = &site.test;
    test.create_user("ada@test.com").await;
    let guesser = stranger(test);
    let guess = async |email: &'static str| code(&guesser, email, "a wrong password").await;
    for number in 1..=12 {
        for email in ["ada@test.com", "nobody@test.com"] {
            assert_eq!(guess(email).await, "INVALID_CREDENTIALS", "{number}");
        }
        test.app.clock.advance(Duration::seconds(30));
        assert!(number == 12 || site.mails().await.is_empty(), "{number}");
    }
    let mail = site.mail().await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("ada@test.com", "Someone may be guessing your password"));

    // A minute, two minutes, four minutes: also for an address without an account.
    for wait in [30, 90, 210] {
        for email in ["ada@test.com", "nobody@test.com"] {
            assert_eq!(guess(email).await, "RATE_LIMITED");
        }
        test.app.clock.advance(Duration::seconds(wait + 1));
        let together = join_all((0..5).map(|_| guess("ada@test.com"))).await;
        assert_eq!(together.iter().filter(|code| *code == "INVALID_CREDENTIALS").count(), 1, "{together:?}");
        assert_eq!(guess("nobody@test.com").await, "INVALID_CREDENTIALS");
        test.app.clock.advance(Duration::seconds(29));
    }
    for _ in 0..100 {
        test.app.clock.advance(Duration::days(1) + Duration::seconds(1));
        engine::purge(&test.app, test.app.clock.now()).await.unwrap();
        if guess("ada@test.com").await == "RATE_LIMITED" {
            break;
        }
    }
    let counters = rate_limits::Entity::find().all(&test.app.db).await.unwrap();
    assert_eq!(counters.iter().map(|counter| counter.failures).max(), Some(60));
    assert!(site.mails().await.is_empty(), "one mail is sent");
    // The right password of a user who comes from nowhere is not compared either. A new one is.
    assert_eq!(code(&guesser, "ada@test.com", PASSWORD).await, "RATE_LIMITED");
    guesser.request_reset("ada@test.com").await.data("requestPasswordReset");
    guesser.reset(site.mail().await.token(), NEW).await.data("resetPassword");
    assert_eq!(code(&guesser, "ada@test.com", NEW).await, "OK");
}

#[tokio::test]
async fn a_right_password_ends_the_failures_in_a_row() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    let caller = test.anonymous();
    for _ in 0..5 {
        for _ in 0..9 {
            assert_eq!(code(&caller, "ada@test.com", "a wrong password").await, "INVALID_CREDENTIALS");
        }
        assert_eq!(code(&caller, "ada@test.com", PASSWORD).await, "OK");
    }
}

/// Test suites sign in so. None of them has failed.
#[tokio::test]
async fn right_passwords_at_once_are_not_sent_away_for_long() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    let caller = test.anonymous();
    for _ in 0..2 {
        let answers = join_all((0..16).map(|_| caller.login("ada@test.com", PASSWORD))).await;
        for answer in answers.iter().filter(|answer| !answer.body["errors"].is_null()) {
            assert_eq!(answer.code(), "RATE_LIMITED");
            assert!(answer.error()["extensions"]["retryAfter"].as_u64().unwrap() <= 3, "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn an_ipv6_site_of_many_networks_is_limited_too() {
    let test = TestApp::with(|config| config.limits.network_attempts = 2).await;
    let mut accepted = 0;
    for number in 0..40 {
        let caller = test.anonymous().at_address(&format!("2001:db8:1:{number:x}::1"));
        let code = code(&caller, &format!("nobody-{number}@test.com"), "a wrong password").await;
        accepted += u32::from(code == "INVALID_CREDENTIALS");
    }
    assert_eq!(accepted, 20);
    let elsewhere = test.anonymous().at_address("2001:db8:2::1");
    assert_eq!(code(&elsewhere, "nobody@test.com", "a wrong password").await, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn the_networks_of_a_user_are_kept_once_each_and_forgotten_with_them() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    for address in ["192.0.2.1", "2001:db8::1", "2001:db8::2"] {
        assert_eq!(code(&test.anonymous().at_address(address), "ada@test.com", PASSWORD).await, "OK");
    }
    let networks = async || {
        let known = known_networks::Entity::find().all(&test.app.db).await.unwrap();
        known.into_iter().map(|known| known.network).collect::<BTreeSet<_>>()
    };
    assert_eq!(networks().await, ["192.0.2.1", "2001:db8:0:0::/64"].map(str::to_owned).into());
    ada.caller.send(operation!("delete_account"), json!({ "password": PASSWORD })).await.data("deleteAccount");
    assert!(networks().await.is_empty());
}
