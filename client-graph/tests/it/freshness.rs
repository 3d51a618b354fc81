//! The age of what a service knows about auth-graph, for operators and for decisions about a caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use client_graph::mirror::Mirror;
use client_graph::testing::TestIssuer;
use client_graph::{Code, Error, User};

use crate::following::Following;
use crate::support::TestDatabase;

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
