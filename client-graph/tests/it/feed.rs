//! The feed: sessions that end at auth-graph are rejected here, and the mirror has the users of auth-graph.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use client_graph::mirror::Mirror;
use client_graph::testing::TestIssuer;
use client_graph::{AuthGraph, Clock, Code, Error, StaleFeed, User};
use sea_orm::{ConnectionTrait, Statement};
use tokio::sync::watch;

use crate::following::{Following, count};
use crate::support::TestDatabase;

/// nuxt-modules/supabase#119, supabase/supabase#39311, kortix-ai/suna#6690: each request waited for a call to the auth
/// server. magistrala#1672, supabase/supabase#48574: services without the call did not notice that a session had ended.
#[tokio::test]
async fn magistrala_1672_a_session_that_ends_at_auth_graph_is_rejected_here_without_a_call() {
    let issuer = TestIssuer::start().await;
    let service = Following::start(issuer.auth_graph(), &issuer);
    let ada = issuer.user("ada@example.com");
    let (ending, other) = (issuer.token_for(&ada), issuer.token_for(&ada).sign().into());
    let (session, token) = (ending.session_id(), ending.sign().into());
    service.until(async || service.auth.feed_age().is_some()).await;
    assert!(service.auth.authenticate(&token).await.is_ok());

    issuer.revoke(session);

    service.until(async || service.auth.authenticate(&token).await.is_err()).await;
    assert_eq!(service.auth.authenticate(&token).await.unwrap_err().code(), Code::TokenRevoked);
    assert!(service.auth.authenticate(&other).await.is_ok(), "it is another session");
    assert_eq!(issuer.calls("Verify"), 0);
}

#[tokio::test]
async fn a_single_token_is_rejected_by_its_identifier() {
    let issuer = TestIssuer::start().await;
    let service = Following::start(issuer.auth_graph(), &issuer);
    let ada = issuer.user("ada@example.com");
    let builder = issuer.token_for(&ada).claim("jti", "first".into());
    let second = builder.clone().claim("jti", "second".into()).sign().into();
    let first = builder.sign().into();
    issuer.revoke_token("first");
    service.until(async || service.auth.authenticate(&first).await.is_err()).await;
    assert_eq!(service.auth.authenticate(&first).await.unwrap_err().code(), Code::TokenRevoked);
    assert!(service.auth.authenticate(&second).await.is_ok(), "another token of the same session stays valid");
}

#[tokio::test]
async fn revocations_before_the_start_and_during_an_outage_are_known_too() {
    let issuer = TestIssuer::start().await;
    let ada = issuer.user("ada@example.com");
    let (before, during) = (issuer.token_for(&ada), issuer.token_for(&ada));
    let (first, second) = (before.session_id(), during.session_id());
    let (before, during) = (before.sign().into(), during.sign().into());
    issuer.revoke(first);
    let service = Following::start(issuer.auth_graph(), &issuer);
    service.until(async || service.auth.feed_age().is_some()).await;
    assert_eq!(service.auth.authenticate(&before).await.unwrap_err().code(), Code::TokenRevoked);
    assert!(service.auth.authenticate(&during).await.is_ok());

    issuer.take_down();
    issuer.revoke(second);
    issuer.bring_up();
    service.until(async || service.auth.authenticate(&during).await.is_err()).await;
    assert_eq!(issuer.calls("Revocations"), 1, "it continued from its position");
}

#[tokio::test]
async fn the_mirror_contains_users_who_never_visited_and_follows_their_changes() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let users: Vec<User> = (0..250).map(|number| issuer.user(&format!("user{number}@example.com"))).collect();
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    for user in &users {
        service.knows(user.id, 1).await;
    }
    let late = issuer.user("late@example.com");
    service.knows(late.id, 1).await;
    issuer.change_user(&User { version: 2, email: "new@example.com".to_owned(), ..users[7].clone() });
    service.knows(users[7].id, 2).await;
    issuer.delete_user(users[8].id);
    let mirror = service.auth.mirror().unwrap();
    service.until(async || mirror.user(users[8].id).await.unwrap().is_none()).await;

    assert_eq!(mirror.user(users[7].id).await.unwrap().unwrap().email, "new@example.com");
    assert_eq!(
        count(&db, "SELECT COUNT(*) AS count FROM mirrored_users WHERE email = ''").await,
        1,
        "erased, not lost"
    );
    assert_eq!(issuer.calls("Me"), 0);
    assert_eq!(issuer.calls("UserSnapshots"), 3);
}

#[tokio::test]
async fn a_service_continues_from_its_last_position_and_ignores_repeated_changes() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    let users: Vec<User> = (0..40).map(|number| issuer.user(&format!("user{number}@example.com"))).collect();
    service.knows(users[39].id, 1).await;
    service.stop().await;

    for version in 2..=6 {
        for user in &users {
            issuer.change_user(&User { version, first_name: format!("Ada {version}"), ..user.clone() });
        }
    }
    issuer.repeat_changes(150);
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    for user in &users {
        service.knows(user.id, 6).await;
    }
    issuer.repeat_changes(20);
    let last = issuer.user("last@example.com");
    service.knows(last.id, 1).await;

    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM mirrored_users WHERE first_name = 'Ada 6'").await, 40);
    assert_eq!(issuer.calls("UserSnapshots"), 1, "the second start did not read all users again");
}

#[tokio::test]
async fn a_cursor_that_is_too_old_leads_back_to_the_snapshots() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    let ada = issuer.user("ada@example.com");
    service.knows(ada.id, 1).await;
    service.stop().await;

    issuer.change_user(&User { version: 2, ..ada.clone() });
    let eve = issuer.user("eve@example.com");
    issuer.expire_cursors();
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db)), &issuer);
    service.knows(ada.id, 2).await;
    service.knows(eve.id, 1).await;
}

#[tokio::test]
async fn of_two_replicas_one_writes_and_the_other_takes_over() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let ada = issuer.user("ada@example.com");
    let first = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    first.knows(ada.id, 1).await;
    let second = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    second.until(async || second.auth.feed_age().is_some()).await;
    let token = issuer.token_for(&ada);
    let (session, token) = (token.session_id(), token.sign().into());
    issuer.revoke(session);
    first.until(async || first.auth.authenticate(&token).await.is_err()).await;
    second.until(async || second.auth.authenticate(&token).await.is_err()).await;
    assert_eq!(issuer.calls("UserSnapshots"), 1, "one replica read the users");

    first.stop().await;
    issuer.change_user(&User { version: 2, ..ada.clone() });
    second.knows(ada.id, 2).await;
    assert_eq!(issuer.calls("UserSnapshots"), 1, "it continued from the position of the first");
}

#[tokio::test]
async fn the_tables_of_the_service_follow_in_the_same_transaction() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    db.execute_unprepared("CREATE TABLE access_groups (user_id TEXT PRIMARY KEY, path TEXT NOT NULL)").await.unwrap();
    let failures = Arc::new(AtomicUsize::new(2));
    let left = Arc::clone(&failures);
    let mirror = Mirror::new(db.clone()).on_user(move |change, txn| {
        let left = Arc::clone(&left);
        Box::pin(async move {
            let backend = txn.get_database_backend();
            let path = change.after.as_ref().and_then(|user| user.metadata["accessGroup"].as_str());
            let sql = "DELETE FROM access_groups WHERE user_id = $1";
            let id = change.id.to_string();
            let delete = Statement::from_sql_and_values(backend, sql, [id.clone().into()]);
            txn.execute_raw(delete).await.map_err(Error::internal)?;
            if let Some(path) = path {
                let sql = "INSERT INTO access_groups (user_id, path) VALUES ($1, $2)";
                let insert = Statement::from_sql_and_values(backend, sql, [id.into(), path.into()]);
                txn.execute_raw(insert).await.map_err(Error::internal)?;
                if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    return Err(Error::internal("the hook fails at first"));
                }
            }
            Ok(())
        })
    });
    let ada = issuer.user("ada@example.com");
    let service = Following::start(issuer.auth_graph().mirror(mirror), &issuer);
    service.knows(ada.id, 1).await;
    let metadata = serde_json::json!({ "accessGroup": "com.dept.team" });
    issuer.change_user(&User { version: 2, metadata, ..ada.clone() });
    service.knows(ada.id, 2).await;
    assert_eq!(failures.load(Ordering::SeqCst), 0, "it was tried until it succeeded");
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM access_groups WHERE path = 'com.dept.team'").await, 1);

    issuer.delete_user(ada.id);
    let mirror = service.auth.mirror().unwrap();
    service.until(async || mirror.user(ada.id).await.unwrap().is_none()).await;
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM access_groups").await, 0);
}

#[tokio::test]
async fn the_policy_for_an_old_feed_is_to_serve_to_ask_or_to_refuse() {
    let issuer = TestIssuer::start().await;
    let bound = Duration::from_secs(60);
    let policies = [StaleFeed::Serve, StaleFeed::AskRemote(bound), StaleFeed::Refuse(bound)];
    let services = policies.map(|policy| Following::start(issuer.auth_graph().stale_feed(policy), &issuer));
    let token = issuer.token_for(&issuer.user("ada@example.com")).expires_in(Duration::from_secs(3600)).sign().into();
    for service in &services {
        service.until(async || service.auth.feed_age().is_some()).await;
        assert!(service.auth.authenticate(&token).await.is_ok());
    }
    assert_eq!(issuer.calls("Verify"), 0);

    issuer.take_down();
    issuer.clock().advance(Duration::from_secs(600));
    let codes = async |service: &Following| service.auth.authenticate(&token).await.err().map(|error| error.code());
    assert_eq!(codes(&services[0]).await, None);
    assert_eq!(codes(&services[1]).await, Some(Code::Unavailable), "auth-graph cannot be asked");
    assert_eq!(codes(&services[2]).await, Some(Code::Unavailable));
    assert!(services[0].auth.feed_age().unwrap() >= Duration::from_secs(590));

    issuer.bring_up();
    services[2].until(async || codes(&services[2]).await.is_none()).await;
}

#[tokio::test]
async fn the_service_can_reject_callers_with_its_own_check() {
    let issuer = TestIssuer::start().await;
    let banned = issuer.user("eve@example.com");
    let ban = banned.id;
    let deny = move |principal: &client_graph::Principal| {
        if principal.subject == ban { Err(Error::new(Code::Forbidden)) } else { Ok(()) }
    };
    let auth = issuer.auth_graph().deny(deny).build().unwrap();
    let (eve, ada) = (issuer.token_for(&banned).sign(), issuer.token_for(&issuer.user("ada@example.com")).sign());
    assert_eq!(auth.authenticate(&eve.into()).await.unwrap_err().code(), Code::Forbidden);
    assert!(auth.authenticate(&ada.into()).await.is_ok());
}

#[tokio::test]
async fn without_a_service_client_the_errors_name_the_fix() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let error = auth.run_feed(std::future::pending()).await.unwrap_err();
    assert!(format!("{error:?}").contains("AuthGraphBuilder::service_client"));
    let policy = StaleFeed::Refuse(Duration::from_secs(1));
    let problems = issuer.auth_graph().stale_feed(policy).build().unwrap_err();
    assert!(problems.to_string().contains("service_client"), "{problems}");
}

#[tokio::test]
async fn a_wrong_secret_is_reported_and_never_shown() {
    let issuer = TestIssuer::start().await;
    let (id, _) = issuer.service_client();
    let auth = issuer.auth_graph().service_client(id, "wrong-secret".into()).build().unwrap();
    let error = auth.service_token().await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidCredentials);
    assert!(!format!("{error:?}{auth:?}").contains("wrong-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_changes_during_an_outage_arrive_despite_broken_connections() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let mut users: Vec<User> = (0..1000).map(|number| issuer.user(&format!("user{number}@example.com"))).collect();
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    service.knows(users[0].id, 1).await;
    service.stop().await;

    for round in 1..=10 {
        for user in &mut users {
            user.version += 1;
            // Addresses pass from one user to another.
            user.email = format!("user{}@example.com", (round * 7 + user.version) % 500);
            issuer.change_user(user);
        }
    }
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    let mut seen = 0;
    for user in &mut users[..20] {
        seen = service.auth.feed_moved(seen).await;
        issuer.take_down();
        user.version += 1;
        issuer.change_user(user);
        issuer.delete_user(user.id);
        issuer.repeat_changes(30);
        issuer.bring_up();
    }
    for user in &users[20..] {
        service.knows(user.id, user.version).await;
    }
    let mirror = service.auth.mirror().unwrap();
    for user in &users[..20] {
        service.until(async || mirror.user(user.id).await.unwrap().is_none()).await;
    }
    for user in &users[20..] {
        let row = mirror.user(user.id).await.unwrap().unwrap();
        assert_eq!((row.email, row.version), (user.email.clone(), user.version));
    }
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM mirrored_users").await, 1000);
}

#[tokio::test]
async fn a_hanging_auth_graph_gets_one_request_per_second_and_no_caller_waits_for_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = watch::Sender::new(0);
    let counting = asked.clone();
    tokio::spawn(async move {
        let mut hanging = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            hanging.push(connection);
            counting.send_replace(hanging.len());
        }
    });
    let is_asked = async |times: usize| {
        asked.subscribe().wait_for(|asked| *asked >= times).await.unwrap();
        assert_eq!(*asked.borrow(), times);
    };
    let clock = Clock::standing_at(Clock::default().now());
    let impatient = reqwest::Client::builder().timeout(Duration::from_millis(100)).no_proxy().build().unwrap();
    let builder = AuthGraph::builder(url).audience("graph").http_client(impatient).retries(0).clock(clock.clone());
    let auth = builder.build().unwrap();
    let token = "some-token".into();
    for _ in 0..5 {
        assert_eq!(auth.verify(&token).await.unwrap_err().code(), Code::Unavailable);
    }
    is_asked(5).await;

    for _ in 0..100 {
        let error = auth.verify(&token).await.unwrap_err();
        assert_eq!((error.code(), error.retry_after_seconds()), (Code::Unavailable, Some(1)));
    }

    clock.advance(Duration::from_secs(1));
    assert!(auth.verify(&token).await.is_err());
    assert!(auth.verify(&token).await.is_err());
    // Only one of these requests was sent.
    is_asked(6).await;
}
