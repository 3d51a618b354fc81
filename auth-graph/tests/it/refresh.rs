//! Refreshing: it is safe to repeat, and a theft is still detected.

use chrono::Duration;
use engine::accounts::Rank;
use engine::administration;
use engine::callers::Actor;
use engine::callers::Device;
use engine::sessions;
use futures_util::future::join_all;
use model::values::Scopes;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use secrecy::ExposeSecret;
use serde_json::json;
use store::login_events::{self, Kind};
use store::users;

use crate::support::{Answer, TestApp, claims_of};

fn refresh_token(answer: &Answer) -> String {
    answer.data("refresh")["refreshToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_refresh_returns_new_tokens() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let answer = test.anonymous().refresh(&signed_in.refresh).await;
    let pair = answer.data("refresh");
    assert_ne!(pair["refreshToken"], signed_in.refresh);
    assert_ne!(pair["accessToken"], signed_in.access);
    assert_eq!(pair["user"]["email"], "ada@test.com");
}

/// supabase/supabase#8959, keycloak#14040, opensearch security-dashboards-plugin#2311, convex-auth#76: three tabs or
/// more, or a client that fires several requests at once, were signed out.
#[tokio::test]
async fn supabase_auth_js_213_parallel_refreshes_of_one_token_all_get_the_same_successor() {
    let test = TestApp::new().await;
    for count in [2, 3, 50] {
        let signed_in = test.signed_in(&format!("ada{count}@test.com"), Rank::User).await;
        let caller = test.anonymous();
        let answers = join_all((0..count).map(|_| caller.refresh(&signed_in.refresh))).await;
        let successors: Vec<_> = answers.iter().map(refresh_token).collect();
        assert!(successors.iter().all(|successor| *successor == successors[0]));
        refresh_token(&test.anonymous().refresh(&successors[0]).await);
    }
}

#[tokio::test]
async fn cve_2026_53517_two_replicas_give_the_same_successor() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let token = signed_in.refresh.into();
    let device = Device::default();
    let answers = join_all((0..20).map(|number| {
        let app = if number % 2 == 0 { &test.app } else { &replica };
        sessions::refresh(app, &token, &device)
    }))
    .await;
    let successors: Vec<_> = answers.into_iter().map(|pair| pair.unwrap().refresh_token).collect();
    assert!(successors.iter().all(|token| token.expose_secret() == successors[0].expose_secret()));
}

/// matrix-authentication-service#2795, supabase/auth#2136: a used token was rejected although the client had not
/// received the response.
#[tokio::test]
async fn mas_2795_a_refresh_can_be_repeated_hours_after_a_lost_response() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let lost = refresh_token(&test.anonymous().refresh(&signed_in.refresh).await);
    test.app.clock.advance(Duration::hours(7));
    let again = test.anonymous().refresh(&signed_in.refresh).await;
    assert_eq!(refresh_token(&again), lost);
    let access = again.data("refresh")["accessToken"].as_str().unwrap();
    assert_eq!(test.anonymous().verify(access).await.data("verify")["active"], true);
}

/// Developers of a mobile application assumed that the refresh token is constant, and their users were signed out at
/// random.
#[tokio::test]
async fn supabase_auth_js_620_a_client_that_keeps_its_first_token_stays_signed_in() {
    let test = TestApp::new().await;
    let first = test.signed_in("ada@test.com", Rank::User).await.refresh;
    for _ in 0..5 {
        test.app.clock.advance(Duration::hours(2));
        let again = test.anonymous().refresh(&first).await;
        let bearer = test.bearer(again.data("refresh")["accessToken"].as_str().unwrap());
        assert_eq!(bearer.me().await.data("me")["email"], "ada@test.com");
    }
}

#[tokio::test]
async fn simplejwt_863_an_outdated_token_ends_the_session_and_is_recorded() {
    let test = TestApp::new().await;
    let stolen = test.signed_in("ada@test.com", Rank::User).await;
    let second = refresh_token(&test.anonymous().refresh(&stolen.refresh).await);
    let third = test.anonymous().refresh(&second).await;
    let access = third.data("refresh")["accessToken"].as_str().unwrap();

    test.app.clock.advance(Duration::minutes(1));
    assert_eq!(test.anonymous().refresh(&stolen.refresh).await.code(), "TOKEN_REUSED");
    assert_eq!(test.anonymous().refresh(&refresh_token(&third)).await.code(), "TOKEN_REVOKED");
    assert_eq!(test.anonymous().refresh(&stolen.refresh).await.code(), "TOKEN_REVOKED");
    let verification = test.anonymous().verify(access).await;
    assert_eq!(verification.data("verify")["reason"], "REVOKED");
    let events = login_events::Entity::find().filter(login_events::Column::Kind.eq(Kind::RefreshReused));
    let events = events.all(&test.app.db).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].user_id, Some(stolen.user.id));
}

/// A proxy or replica that stands still executes a request late, while its client goes on elsewhere. That signs nobody
/// out; a thief who comes back with the same token a minute later is found out.
#[tokio::test]
async fn a_delayed_request_with_an_outdated_token_ends_nothing() {
    for refreshes in [2, 3] {
        let test = TestApp::new().await;
        let ada = test.signed_in("ada@test.com", Rank::User).await;
        let mut token = ada.refresh.clone();
        for _ in 0..refreshes {
            test.app.clock.advance(Duration::seconds(20));
            token = refresh_token(&test.anonymous().refresh(&token).await);
        }
        let delayed = test.anonymous().refresh(&ada.refresh).await;
        assert_eq!(delayed.code(), "UNAVAILABLE", "{refreshes}: {}", delayed.text);
        assert!(delayed.body["data"].is_null(), "it gets no tokens");
        token = refresh_token(&test.anonymous().refresh(&token).await);
        let events = login_events::Entity::find().filter(login_events::Column::Kind.eq(Kind::RefreshReused));
        assert_eq!(events.all(&test.app.db).await.unwrap().len(), 0);

        test.app.clock.advance(Duration::minutes(1));
        assert_eq!(test.anonymous().refresh(&ada.refresh).await.code(), "TOKEN_REUSED", "{refreshes}");
        assert_eq!(test.anonymous().refresh(&token).await.code(), "TOKEN_REVOKED", "{refreshes}");
    }
}

/// Whoever refreshes every second cannot put off being found out: the minute counts from the replacement of the
/// successor.
#[tokio::test]
async fn a_thief_who_keeps_refreshing_is_found_out() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let mut stolen = ada.refresh.clone();
    for _ in 0..4 {
        test.app.clock.advance(Duration::seconds(1));
        stolen = refresh_token(&test.anonymous().refresh(&stolen).await);
    }
    assert_eq!(test.anonymous().refresh(&ada.refresh).await.code(), "TOKEN_REUSED");
    assert_eq!(test.anonymous().refresh(&stolen).await.code(), "TOKEN_REVOKED");
}

/// A sign-out that was delayed still signs out.
#[tokio::test]
async fn a_delayed_sign_out_ends_its_session() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let second = refresh_token(&test.anonymous().refresh(&ada.refresh).await);
    let third = refresh_token(&test.anonymous().refresh(&second).await);
    assert_eq!(test.anonymous().logout(&ada.refresh).await.data("logout")["revokedSessions"], 1);
    assert_eq!(test.anonymous().refresh(&third).await.code(), "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    test.app.clock.advance(Duration::days(13));
    let second = refresh_token(&test.anonymous().refresh(&signed_in.refresh).await);
    test.app.clock.advance(Duration::days(13));
    let third = refresh_token(&test.anonymous().refresh(&second).await);
    test.app.clock.advance(Duration::days(14));
    assert_eq!(test.anonymous().refresh(&third).await.code(), "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_session_ends_in_any_case_after_its_absolute_lifetime() {
    let test = TestApp::new().await;
    let mut token = test.signed_in("ada@test.com", Rank::User).await.refresh;
    for _ in 0..8 {
        test.app.clock.advance(Duration::days(11));
        token = refresh_token(&test.anonymous().refresh(&token).await);
    }
    test.app.clock.advance(Duration::days(2));
    assert_eq!(test.anonymous().refresh(&token).await.code(), "TOKEN_EXPIRED");
}

/// Rauthy 989f9ff9: an exchange did not check the user again, and restored an ended session.
#[tokio::test]
async fn cve_2024_22513_a_disabled_user_gets_no_tokens_and_existing_ones_are_rejected() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    test.disable(signed_in.user.id).await;
    assert_eq!(test.anonymous().refresh(&signed_in.refresh).await.code(), "TOKEN_REVOKED");
    assert_eq!(signed_in.caller.me().await.code(), "TOKEN_REVOKED");
    test.enable(signed_in.user.id).await;
    assert_eq!(test.anonymous().refresh(&signed_in.refresh).await.code(), "TOKEN_REVOKED");
    test.sign_in(signed_in.user).await;
}

#[tokio::test]
async fn hasura_1631_scopes_are_computed_anew() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("staff@test.com", Rank::Staff).await;
    let mut changed: users::ActiveModel = signed_in.user.clone().into();
    changed.is_staff = sea_orm::Set(false);
    users::Entity::update(changed).exec(&test.app.db).await.unwrap();
    let answer = test.anonymous().refresh(&signed_in.refresh).await;
    assert_eq!(answer.data("refresh")["scope"], serde_json::json!([]));
}

/// A new role took effect only after another sign-in.
#[tokio::test]
async fn whitebrick_client_9_a_new_role_is_in_the_next_token() {
    let sells = Scopes::parse("orders:sell").unwrap();
    let test = TestApp::with(|config| drop(config.roles.insert("seller".to_owned(), sells))).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let (roles, none) = (vec!["seller".to_owned()], Scopes::default());
    administration::set_roles(&test.app, &Actor::operator(), ada.user.id, roles, none).await.unwrap();
    let answer = test.anonymous().refresh(&ada.refresh).await;
    assert_eq!(answer.data("refresh")["scope"], json!(["orders:sell"]));
}

/// Whatever ends the session, a token pair from the race is not valid.
#[tokio::test]
async fn keycloak_51312_a_token_from_a_refresh_in_a_race_with_a_revocation_is_not_valid() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await.caller;
    let endings = [
        "mutation ($id: ID!) { revokeUserSessions(userId: $id) { revokedSessions } }",
        "mutation ($id: ID!) { disableUser(id: $id) { user { id } } }",
        "mutation ($id: ID!) { deleteUser(id: $id) { user { id } } }",
        r#"mutation ($id: ID!) { setUserPassword(input: { id: $id, password: "another-long-one-42" }) { user { id } } }"#,
    ];
    for (round, ending) in endings.into_iter().cycle().take(12).enumerate() {
        let signed_in = test.signed_in(&format!("ada{round}@test.com"), Rank::User).await;
        let caller = test.anonymous();
        let end = root.send(ending, json!({ "id": signed_in.user.id.0 }));
        let (refreshed, ended) = tokio::join!(caller.refresh(&signed_in.refresh), end);
        assert!(ended.body["errors"].is_null(), "{}", ended.text);
        if refreshed.body["errors"].is_null() {
            let access = refreshed.data("refresh")["accessToken"].as_str().unwrap();
            assert_eq!(caller.verify(access).await.data("verify")["reason"], "REVOKED", "{ending}");
            assert_eq!(caller.refresh(&refresh_token(&refreshed)).await.code(), "TOKEN_REVOKED", "{ending}");
        } else {
            assert_eq!(refreshed.code(), "TOKEN_REVOKED", "{ending}");
        }
    }
}

/// The statement that advances the session checks all conditions of a refresh.
#[tokio::test]
async fn a_session_advances_once_and_only_while_it_is_live_and_its_user_active() {
    use store::sessions::{self, Use};

    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let id = claims_of(&ada.access)["sid"].as_str().unwrap().parse().unwrap();
    let (db, now) = (&test.app.db, test.app.clock.now());
    let before = sessions::find(db, id).await.unwrap().unwrap();
    let used = |at| Use { at, ip_address: Some("192.0.2.7".to_owned()), idle_end: at + Duration::hours(1) };
    let advance = async |generation, at| sessions::advance(db, id, generation, used(at)).await.unwrap();

    let (session, user) = advance(0, now).await.unwrap();
    assert_eq!(user, users::find(db, ada.user.id).await.unwrap().unwrap());
    let ip_address = Some("192.0.2.7".to_owned());
    let expected = sessions::Model {
        generation: 1,
        last_used_at: now,
        previous_use_at: Some(before.last_used_at),
        ip_address,
        expires_at: now + Duration::hours(1),
        ..before
    };
    assert_eq!(session, expected);
    assert_eq!(sessions::find(db, id).await.unwrap().unwrap(), expected);
    assert!(advance(0, now).await.is_none(), "the generation is not current");
    assert!(advance(1, session.expires_at).await.is_none(), "it has expired");

    let end = session.absolute_expires_at;
    let at = session.expires_at - Duration::seconds(1);
    let long = Use { idle_end: end + Duration::hours(1), ..used(at) };
    let (session, _) = sessions::advance(db, id, 1, long).await.unwrap().unwrap();
    assert_eq!(session.expires_at, end, "its absolute end is earlier");

    let set = async |user| users::update(db, &user).await.unwrap();
    set(users::Model { is_active: false, ..user.clone() }).await;
    assert!(advance(2, now).await.is_none(), "the user is disabled");
    set(users::Model { deleted_at: Some(now), ..user.clone() }).await;
    assert!(advance(2, now).await.is_none(), "the user is deleted");
    set(user).await;
    assert!(sessions::revoke(db, id, "logout", now).await.unwrap());
    assert!(advance(2, now).await.is_none(), "it has ended");
}

/// GHSA-6mq3-xmgp-pjm5: a truncated opaque token was still valid.
#[tokio::test]
async fn ghsa_6mq3_xmgp_pjm5_a_changed_refresh_token_is_never_accepted() {
    let test = TestApp::new().await;
    let good = test.signed_in("ada@test.com", Rank::User).await.refresh;
    let mut bad: Vec<String> = (0..good.len()).map(|length| good[..length].to_owned()).collect();
    bad.extend(["A", "=", " ", "\u{0}"].map(|tail| format!("{good}{tail}")));
    bad.extend((1..good.len()).map(|start| good[start..].to_owned()));
    bad.extend((4..good.len()).map(|start| format!("agr_{}", &good[start + 1..])));
    bad.extend([format!(" {good}"), format!("{good}{good}"), format!("agr_{good}")]);
    // The last character has unused bits. Each token has only one accepted spelling.
    let spellings = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']);
    bad.extend(spellings.map(|last| format!("{}{last}", &good[..good.len() - 1])).filter(|spelling| *spelling != good));
    bad.extend((4..good.len()).map(|place| {
        let other = if good.as_bytes()[place] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &good[..place], &good[place + 1..])
    }));
    let client = test.service_client("orders", "").await;
    for token in &bad {
        assert_eq!(test.anonymous().refresh(token).await.code(), "TOKEN_INVALID", "{token}");
        assert_eq!(test.anonymous().verify(token).await.data("verify")["reason"], "INVALID", "{token}");
        assert!(token.is_empty() || !client.sees(token).await, "{token}");
    }
    refresh_token(&test.anonymous().refresh(&good).await);
}

#[tokio::test]
async fn an_access_token_is_not_a_refresh_token() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    assert_eq!(test.anonymous().refresh(&signed_in.access).await.code(), "TOKEN_INVALID");
}
