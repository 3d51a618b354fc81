//! Rotating signing keys by hand and by schedule, with the effects on tokens, verifiers and replicas.

use std::time::Duration as StdDuration;

use auth_graph::tasks;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Duration;
use engine::accounts::Rank;
use engine::app::App;
use engine::boot;
use engine::callers::{Actor, Device, Refusal, authenticate, recheck};
use engine::keys::{self, Start, State};
use futures_util::future::join_all;
use model::config::SigningAlgorithm;
use model::error::Code;
use sea_orm::{EntityTrait, QueryOrder};
use secrecy::SecretString;
use serde_json::Value;
use store::audit_events::{self, ActorKind};
use store::{leases, signing_keys};

use crate::command_line::{run, text};
use crate::support::{SignedIn, TestApp, operation};

/// Returns the identifiers in the published key set.
async fn published(test: &TestApp) -> Vec<String> {
    let jwks = test.anonymous().get("/.well-known/jwks.json").await;
    jwks.body["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn signed_by(token: &str) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

async fn states(app: &App) -> Vec<State> {
    keys::list(app).await.unwrap().into_iter().map(|key| key.state).collect()
}

/// Runs the periodic work of the tasks.
async fn look_after_keys(app: &App) {
    keys::retire_outlived(app).await.unwrap();
    keys::rotate_when_due(app).await.unwrap();
    keys::load(app).await.unwrap();
}

async fn signed_in(test: &TestApp) -> SignedIn {
    test.signed_in("ada@test.com", Rank::User).await
}

/// Returns a new access token of the same session.
async fn refreshed(test: &TestApp, signed_in: &SignedIn) -> String {
    let answer = test.anonymous().refresh(&signed_in.refresh).await;
    answer.data("refresh")["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_key_is_published_before_it_signs_and_the_old_one_stays_until_its_tokens_have_expired() {
    let test = TestApp::new().await;
    let ada = signed_in(&test).await;
    let old = signed_by(&ada.access);
    let new = keys::rotate(&test.app, &Actor::operator(), Start::Published).await.unwrap();
    assert_eq!(published(&test).await, [old.clone(), new.clone()]);
    assert_eq!(states(&test.app).await, [State::Signing, State::Waiting]);

    test.app.clock.advance(Duration::minutes(9));
    let last_of_old = refreshed(&test, &ada).await;
    assert_eq!(signed_by(&last_of_old), old);
    test.app.clock.advance(Duration::seconds(61));
    // No reload is needed, because the ring knows when each key begins to sign.
    assert_eq!(signed_by(&refreshed(&test, &ada).await), new);
    look_after_keys(&test.app).await;
    authenticate(&test.app, &last_of_old.into()).await.unwrap();
    assert_eq!(published(&test).await, [old.clone(), new.clone()]);
    assert_eq!(states(&test.app).await, [State::Verifying, State::Signing]);

    test.app.clock.advance(Duration::minutes(6));
    look_after_keys(&test.app).await;
    assert_eq!(published(&test).await, [new]);
    let listed = keys::list(&test.app).await.unwrap();
    assert_eq!((listed[0].kid.as_str(), listed[0].state), (old.as_str(), State::Retired));
    let stored = signing_keys::Entity::find_by_id(old).one(&test.app.db).await.unwrap().unwrap();
    assert!(stored.private_key.is_empty(), "the private key is deleted");
}

#[tokio::test]
async fn rotating_now_signs_with_the_new_key_at_once_and_old_tokens_stay_valid() {
    let test = TestApp::new().await;
    let ada = signed_in(&test).await;
    let new = keys::rotate(&test.app, &Actor::operator(), Start::Now).await.unwrap();
    assert_eq!(signed_by(&refreshed(&test, &ada).await), new);
    ada.caller.me().await.data("me");
}

#[tokio::test]
async fn while_a_key_waits_no_other_is_created_and_now_activates_the_waiting_one() {
    let test = TestApp::new().await;
    let ada = signed_in(&test).await;
    let waiting = keys::rotate(&test.app, &Actor::operator(), Start::Published).await.unwrap();
    let refused = keys::rotate(&test.app, &Actor::operator(), Start::Published).await.unwrap_err();
    assert_eq!(refused.code(), Code::Conflict);
    assert_eq!(keys::rotate(&test.app, &Actor::operator(), Start::Now).await.unwrap(), waiting);
    assert_eq!(signed_by(&refreshed(&test, &ada).await), waiting);
    assert_eq!(published(&test).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_key_is_rejected_at_once_here_and_soon_by_a_replica() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let _tasks = tasks::spawn(&replica);
    let ada = signed_in(&test).await;
    let token: SecretString = ada.access.clone().into();
    let principal = authenticate(&test.app, &token).await.unwrap();
    authenticate(&replica, &token).await.unwrap();
    keys::rotate(&test.app, &Actor::operator(), Start::Now).await.unwrap();
    keys::retire(&test.app, &Actor::operator(), &signed_by(&ada.access)).await.unwrap();
    assert_eq!(ada.caller.me().await.code(), "TOKEN_INVALID");
    assert_eq!(recheck(&test.app, &principal, test.app.clock.now()), Err(Refusal::Invalid), "an open socket");
    let refused = async {
        while authenticate(&replica, &token).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(StdDuration::from_secs(20), refused).await.unwrap();
    assert_eq!(authenticate(&replica, &token).await.unwrap_err(), Refusal::Invalid);
    // The session continues with the new key.
    authenticate(&replica, &refreshed(&test, &ada).await.into()).await.unwrap();
}

#[tokio::test]
async fn a_replica_that_does_not_follow_asks_the_database_for_the_key() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let ada = signed_in(&test).await;
    authenticate(&replica, &ada.access.clone().into()).await.unwrap();
    keys::rotate(&test.app, &Actor::operator(), Start::Now).await.unwrap();
    keys::retire(&test.app, &Actor::operator(), &signed_by(&ada.access)).await.unwrap();
    test.app.clock.advance(Duration::seconds(2));
    assert_eq!(authenticate(&replica, &ada.access.into()).await.unwrap_err(), Refusal::Invalid);
}

#[tokio::test]
async fn the_only_key_that_can_sign_is_not_withdrawn() {
    let test = TestApp::new().await;
    let ada = signed_in(&test).await;
    let only = signed_by(&ada.access);
    let refused = async |kid: &str| keys::retire(&test.app, &Actor::operator(), kid).await.unwrap_err().code();
    assert_eq!(refused(&only).await, Code::Conflict);
    assert_eq!(refused("nonsense").await, Code::ValidationFailed);
    let waiting = keys::rotate(&test.app, &Actor::operator(), Start::Published).await.unwrap();
    assert_eq!(refused(&only).await, Code::Conflict, "the other does not sign yet");
    // Withdrawing the one that waits leaves the old one in its place, for good.
    keys::retire(&test.app, &Actor::operator(), &waiting).await.unwrap();
    test.app.clock.advance(Duration::hours(1));
    look_after_keys(&test.app).await;
    assert_eq!(signed_by(&refreshed(&test, &ada).await), only);
}

#[tokio::test]
async fn a_retired_key_does_not_replace_the_signing_key() {
    let test = TestApp::new().await;
    let new = keys::rotate(&test.app, &Actor::operator(), Start::Now).await.unwrap();
    test.app.clock.advance(Duration::hours(1));
    assert_eq!(keys::retire(&test.app, &Actor::operator(), &new).await.unwrap_err().code(), Code::Conflict);
}

#[tokio::test]
async fn the_key_set_mixes_algorithms_only_if_it_is_configured() {
    let test = TestApp::new().await;
    let ada = signed_in(&test).await;
    let mut config = test.app.config.clone();
    config.tokens.algorithm = SigningAlgorithm::EdDSA;
    let one = boot(config.clone(), test.app.clock.clone()).await.unwrap();
    config.tokens.publish_all_algorithms = true;
    let all = boot(config, test.app.clock.clone()).await.unwrap();
    let algorithms = |app: &App| -> Vec<String> {
        let jwks: Value = serde_json::from_str(app.tokens.keyring.current().jwks()).unwrap();
        jwks["keys"].as_array().unwrap().iter().map(|key| key["alg"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(algorithms(&one), ["EdDSA"]);
    assert_eq!(algorithms(&all), ["EdDSA", "ES256"]);
    authenticate(&one, &ada.access.into()).await.unwrap();
    test.app.clock.advance(Duration::minutes(7));
    look_after_keys(&all).await;
    assert_eq!(algorithms(&all), ["EdDSA"], "the old key ends with its last token");
}

#[tokio::test]
async fn an_old_key_gets_one_successor_even_with_several_replicas() {
    let test = TestApp::with(|config| config.tokens.key_rotation = Duration::hours(1)).await;
    let replica = test.replica().await;
    let made = keys::rotate_when_due(&test.app).await.unwrap();
    assert_eq!(made, None);
    for round in 1..=2 {
        test.app.clock.advance(Duration::hours(1));
        let looks = (0..12).map(|number| {
            let app = if number % 2 == 0 { test.app.clone() } else { replica.clone() };
            tokio::spawn(async move { keys::rotate_when_due(&app).await.unwrap() })
        });
        let made: Vec<_> = join_all(looks).await.into_iter().filter_map(|look| look.unwrap()).collect();
        assert_eq!(made.len(), 1, "{made:?}");
        assert_eq!(signing_keys::all(&test.app.db).await.unwrap().len(), 1 + round);
        assert_eq!(keys::rotate_when_due(&replica).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_replaced_or_withdrawn_key_is_recorded_with_its_actor() {
    let test = TestApp::with(|config| config.tokens.key_rotation = Duration::hours(1)).await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let principal = authenticate(&test.app, &root.access.clone().into()).await.unwrap();
    let actor = Actor::caller(&principal, &Device::default()).unwrap();
    let old = signed_by(&root.access);
    keys::rotate(&test.app, &actor, Start::Now).await.unwrap();
    keys::retire(&test.app, &actor, &old).await.unwrap();
    test.app.clock.advance(Duration::hours(1));
    keys::rotate_when_due(&test.app).await.unwrap().unwrap();
    let events = audit_events::Entity::find().order_by_asc(audit_events::Column::Id).all(&test.app.db).await.unwrap();
    let events = events.iter().filter(|event| event.target_kind == "key");
    let recorded: Vec<_> = events.map(|event| (event.action.as_str(), event.actor_kind, event.actor_id)).collect();
    let by_root = |action| (action, ActorKind::User, Some(root.user.id.0));
    assert_eq!(recorded, [by_root("key.rotate"), by_root("key.retire"), ("key.rotate", ActorKind::System, None)]);
}

#[tokio::test]
async fn the_schedule_can_be_switched_off() {
    let test = TestApp::with(|config| config.tokens.key_rotation = Duration::zero()).await;
    test.app.clock.advance(Duration::days(400));
    assert_eq!(keys::rotate_when_due(&test.app).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_running_service_replaces_an_old_key_by_itself() {
    let test = TestApp::with(|config| config.tokens.key_rotation = Duration::hours(1)).await;
    test.app.clock.advance(Duration::hours(1));
    let _tasks = tasks::spawn(&test.app);
    let rotated = async {
        while published(&test).await.len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(StdDuration::from_secs(20), rotated).await.unwrap();
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_ends() {
    let test = TestApp::new().await;
    let db = &test.app.db;
    let now = test.app.clock.now();
    let take = async |holder: &str, seconds: i64| {
        let now = now + Duration::seconds(seconds);
        leases::take(db, "work", holder, now, now + Duration::seconds(60)).await.unwrap()
    };
    assert!(take("first", 0).await);
    assert!(!take("second", 30).await);
    assert!(take("first", 30).await, "the holder extends its own lease");
    assert!(!take("second", 89).await);
    assert!(take("second", 90).await, "the lease of the first has expired");
    leases::give_back(db, "work", "first").await.unwrap();
    assert!(!take("first", 91).await, "only the holder releases a lease");
    leases::give_back(db, "work", "second").await.unwrap();
    assert!(take("first", 91).await);
}

#[test]
fn keys_are_listed_replaced_and_withdrawn_from_the_command_line() {
    let folder = tempfile::TempDir::new().unwrap();
    let keys = |arguments: &[&str]| run(folder.path(), &[&["keys"], arguments].concat(), "");
    let states = || -> Vec<(String, String)> {
        let listed = text(&keys(&["list"]).stdout);
        let words = listed.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        words.map(|words| (words[0].clone(), words[2].clone())).collect()
    };
    let first = states()[0].0.clone();
    let second = text(&keys(&["rotate"]).stdout).trim().to_owned();
    let pair = |kid: &str, state: &str| (kid.to_owned(), state.to_owned());
    assert_eq!(states(), [pair(&first, "signing"), pair(&second, "waiting")]);
    for (arguments, hint) in [
        (&["rotate"][..], "`auth-graph keys rotate --now`"),
        (&["retire", &first], "`auth-graph keys rotate --now`"),
        (&["retire", "nonsense"], "`auth-graph keys list`"),
    ] {
        let refused = keys(arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains(hint), "{arguments:?}: {}", text(&refused.stderr));
    }
    assert_eq!(text(&keys(&["rotate", "--now"]).stdout).trim(), second);
    assert!(keys(&["retire", &first]).status.success());
    assert_eq!(states(), [pair(&first, "retired"), pair(&second, "signing")]);
}

#[tokio::test]
async fn readers_of_the_feed_learn_that_the_keys_have_changed() {
    let test = TestApp::new().await;
    let client = test.service_client("reader", "feed:read").await;
    let old = keys::list(&test.app).await.unwrap().remove(0).kid;
    let read = async || {
        let caller = test.bearer(&client.token().await);
        let answer = caller.send(operation!("user_changes"), serde_json::json!({})).await;
        let nodes = answer.data("userChanges")["nodes"].as_array().unwrap().clone();
        assert!(nodes.iter().all(|change| change["user"].is_null() && change["revocation"].is_null()), "{nodes:?}");
        nodes.into_iter().map(|change| change["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    keys::rotate(&test.app, &Actor::operator(), Start::Now).await.unwrap();
    assert_eq!(read().await, ["KEYS_CHANGED"]);
    keys::retire(&test.app, &Actor::operator(), &old).await.unwrap();
    assert_eq!(read().await, ["KEYS_CHANGED", "KEYS_CHANGED"]);
}
