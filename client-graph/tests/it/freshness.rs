//! The age of what a service knows about auth-graph, for operators and for decisions about a caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use client_graph::mirror::Mirror;
use client_graph::testing::TestIssuer;
use client_graph::{Code, Error, FeedState, StaleFeed, User};

use crate::following::Following;
use crate::support::{TestDatabase, code_of};

const TEN_MINUTES: Duration = Duration::from_secs(600);
const ONE_MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_context_knows_the_age_of_the_feed() {
    let issuer = TestIssuer::start().await;
    let service = Following::start(issuer.auth_graph().mirror(Mirror::in_memory()), &issuer);
    let token = issuer.token_for(&issuer.user("ada@example.com")).expires_in(Duration::from_secs(3600));
    let (session, token) = (issuer.token_for(&issuer.user("eve@example.com")).session_id(), token.sign().into());
    let context = service.auth.context_from_token(Some(&token)).await;
    assert!(context.principal().is_ok());
    service.until(async || context.feed_status().mirror_age.is_some()).await;
    let status = context.feed_status();
    assert!(status.age.unwrap() < ONE_MINUTE && status.mirror_age.unwrap() < ONE_MINUTE, "{status:?}");
    issuer.revoke(session);
    service.until(async || context.feed_status().lag.is_some()).await;
    assert!(context.feed_status().lag.unwrap() < ONE_MINUTE);

    issuer.take_down();
    issuer.clock().advance(TEN_MINUTES);
    let status = context.feed_status();
    assert!(status.age.unwrap() >= TEN_MINUTES && status.mirror_age.unwrap() >= TEN_MINUTES, "{status:?}");
    assert_eq!(service.auth.feed_status().age.map(|age| age >= TEN_MINUTES), Some(true), "all values are the same");

    issuer.bring_up();
    service.until(async || context.feed_status().age.unwrap() < ONE_MINUTE).await;
    service.until(async || context.feed_status().mirror_age.unwrap() < ONE_MINUTE).await;
}

#[tokio::test]
async fn without_a_feed_its_age_is_unknown() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign().into();
    let status = auth.context_from_token(Some(&token)).await.feed_status();
    assert_eq!((status.age, status.lag, status.mirror_age), (None, None, None));
}

#[tokio::test]
async fn a_mirror_that_is_stuck_grows_old_while_the_feed_does_not() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let (broken, tries) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (fails, tried) = (Arc::clone(&broken), Arc::clone(&tries));
    let mirror = Mirror::new(database.connect().await).on_user(move |_, _| {
        let fails = fails.load(Ordering::SeqCst);
        tried.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { if fails { Err(Error::internal("the hook fails")) } else { Ok(()) } })
    });
    let service = Following::start(issuer.auth_graph().mirror(mirror), &issuer);
    let status = || service.auth.feed_status();
    let ada = issuer.user("ada@example.com");
    service.knows(ada.id, 1).await;
    service.until(async || status().mirror_age.is_some()).await;

    broken.store(true, Ordering::SeqCst);
    let before = tries.load(Ordering::SeqCst);
    issuer.change_user(&User { version: 2, ..ada.clone() });
    service.until(async || tries.load(Ordering::SeqCst) >= before + 2).await;
    issuer.clock().advance(TEN_MINUTES);
    service.until(async || status().age.unwrap() < ONE_MINUTE).await;
    assert!(status().mirror_age.unwrap() >= TEN_MINUTES, "{:?}", status());
    let stuck = service.auth.mirror().unwrap().apply(&User { version: 3, ..ada.clone() }).await.unwrap_err();
    assert_eq!(stuck.code(), Code::Internal);
    assert!(format!("{stuck:?}").contains(&ada.id.to_string()), "the log names the user: {stuck:?}");

    broken.store(false, Ordering::SeqCst);
    service.until(async || status().mirror_age.unwrap() < ONE_MINUTE).await;
    service.knows(ada.id, 2).await;
}

#[tokio::test]
async fn a_service_that_stalled_for_longer_than_the_retention_skips_no_change() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(database.connect().await)), &issuer);
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    service.knows(eve.id, 1).await;
    let token = issuer.token_for(&ada).expires_in(Duration::from_secs(3600));
    let (session, token) = (token.session_id(), token.sign().into());
    assert!(service.auth.authenticate(&token).await.is_ok());

    issuer.take_down();
    issuer.clock().advance(TEN_MINUTES);
    issuer.revoke(session);
    issuer.change_user(&User { version: 2, ..ada.clone() });
    issuer.lose_user(eve.id);
    issuer.bring_up();

    service.until(async || service.auth.authenticate(&token).await.is_err()).await;
    assert_eq!(service.auth.authenticate(&token).await.unwrap_err().code(), Code::TokenRevoked);
    service.knows(ada.id, 2).await;
    let mirror = service.auth.mirror().unwrap();
    service.until(async || mirror.user(eve.id).await.unwrap().is_none()).await;
}

#[tokio::test]
async fn a_session_that_ended_before_the_start_is_refused_before_the_feed_is_read() {
    let issuer = TestIssuer::start().await;
    issuer.stop_feed();
    let ada = issuer.user("ada@example.com");
    let ended = issuer.token_for(&ada);
    let (session, ended, good) = (ended.session_id(), ended.sign(), issuer.token_for(&ada).sign());
    issuer.revoke(session);

    let service = Following::start(issuer.auth_graph(), &issuer);
    let state = || service.auth.feed_status().state;
    assert_eq!(state(), FeedState::Starting);
    assert_eq!(code_of(&service.auth, &ended).await, Some(Code::TokenRevoked));
    service.until(async || state() == FeedState::Failing).await;
    assert_eq!(code_of(&service.auth, &ended).await, Some(Code::TokenRevoked));
    assert_eq!(code_of(&service.auth, &good).await, None);
    assert_eq!(issuer.calls("Verify"), 3);

    issuer.start_feed();
    service.until(async || state() == FeedState::Primed).await;
    assert_eq!(code_of(&service.auth, &ended).await, Some(Code::TokenRevoked));
    assert_eq!(code_of(&service.auth, &good).await, None);
    assert_eq!(issuer.calls("Verify"), 3, "the ended sessions are known");
}

#[tokio::test]
async fn a_service_that_starts_during_an_outage_treats_tokens_as_it_does_with_a_stale_feed() {
    let issuer = TestIssuer::start().await;
    let rules = [
        (StaleFeed::Serve, None),
        (StaleFeed::AskRemote(ONE_MINUTE), Some(Code::Unavailable)),
        (StaleFeed::Refuse(ONE_MINUTE), Some(Code::Unavailable)),
    ];
    let good = issuer.token_for(&issuer.user("ada@example.com")).sign();
    for (rule, expected) in rules {
        let (id, secret) = issuer.service_client();
        let auth = issuer.auth_graph().service_client(id, secret).stale_feed(rule).build().unwrap();
        let made_up = issuer.token_for(&issuer.user("eve@example.com")).header("kid", "made-up".into()).sign();
        assert_eq!(code_of(&auth, made_up).await, Some(Code::TokenInvalid), "the keys are known now");
        let following = auth.run_feed(std::future::pending());
        assert_eq!(auth.feed_status().state, FeedState::Starting);
        issuer.take_down();
        assert_eq!(code_of(&auth, &good).await, expected, "{rule:?}");
        issuer.bring_up();
        drop(following);
    }
}

#[tokio::test]
async fn a_service_that_does_not_follow_the_feed_does_not_ask_about_tokens() {
    let issuer = TestIssuer::start().await;
    let (id, secret) = issuer.service_client();
    let auth = issuer.auth_graph().service_client(id, secret).build().unwrap();
    assert_eq!(code_of(&auth, issuer.token_for(&issuer.user("ada@example.com")).sign()).await, None);
    assert_eq!((auth.feed_status().state, issuer.calls("Verify")), (FeedState::NotFollowed, 0));
}
