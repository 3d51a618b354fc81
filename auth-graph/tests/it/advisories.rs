//! Faults of other services with sessions and tokens, each under its public name. Some are tested in the file of their
//! subject. The guide on sessions and tokens lists all of them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use engine::accounts::Rank;
use engine::callers::Actor;
use engine::clients;
use sea_orm::{EntityTrait, Set};
use serde_json::{Value, json};
use store::{login_events, sessions, users};

use crate::support::{ISSUER, PASSWORD, TestApp, claims_of, operation};

/// matrix-authentication-service#4883: one refresh marked all tokens of its session as used. #4436: tokens became
/// inactive for an unknown reason.
#[tokio::test]
async fn mas_4883_and_4436_a_session_is_refreshed_again_and_again_and_its_tokens_stay_good() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let (mut token, mut bearers) = (signed_in.refresh, vec![signed_in.caller]);
    for _ in 0..10 {
        let pair = test.anonymous().refresh(&token).await.data("refresh").clone();
        token = pair["refreshToken"].as_str().unwrap().to_owned();
        bearers.push(test.bearer(pair["accessToken"].as_str().unwrap()));
        for bearer in &bearers {
            assert_eq!(bearer.me().await.data("me")["email"], "ada@test.com");
        }
    }
}

/// Sessions cached their users, and showed outdated data: after a change in the database (#7513), and after one through
/// the service (#1516, #896, #2020).
#[tokio::test]
async fn better_auth_7513_and_1516_a_user_is_shown_as_they_are_now() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let name = async || ada.caller.me().await.data("me")["firstName"].clone();
    assert_eq!(name().await, "Ada");
    let input = json!({ "input": { "firstName": "Augusta" } });
    ada.caller.send(operation!("update_profile"), input).await.data("updateProfile");
    assert_eq!(name().await, "Augusta");
    let mut changed: users::ActiveModel = ada.user.clone().into();
    changed.first_name = Set("Lady Lovelace".to_owned());
    users::Entity::update(changed).exec(&test.app.db).await.unwrap();
    assert_eq!(name().await, "Lady Lovelace");
    assert_eq!(test.anonymous().refresh(&ada.refresh).await.data("refresh")["user"]["firstName"], "Lady Lovelace");
}

/// Each refresh inserted a row, 240 million in a year. One was even inserted for a token that was not requested.
#[tokio::test]
async fn django_graphql_jwt_159_and_199_a_refresh_adds_no_row() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let mut token = signed_in.refresh;
    for _ in 0..5 {
        token = test.anonymous().refresh(&token).await.data("refresh")["refreshToken"].as_str().unwrap().to_owned();
    }
    let unselected = "mutation($token: String) { refresh(refreshToken: $token) { tokenType } }";
    test.anonymous().send(unselected, json!({ "token": token })).await.data("refresh");
    assert_eq!(sessions::Entity::find().all(&test.app.db).await.unwrap().len(), 1);
    assert_eq!(login_events::Entity::find().all(&test.app.db).await.unwrap().len(), 1, "the sign-in");
}

/// A client could not know when its refresh token expires.
#[tokio::test]
async fn django_graphql_jwt_119_the_response_has_the_expiry_of_the_refresh_token() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    let signed_in = test.app.clock.now();
    let mut pair = test.anonymous().login("ada@test.com", PASSWORD).await.data("login").clone();
    let end = |pair: &Value| pair["refreshExpiresAt"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!((end(&pair) - signed_in).num_days(), 14);
    for _ in 0..8 {
        test.app.clock.advance(Duration::days(10));
        let answer = test.anonymous().refresh(pair["refreshToken"].as_str().unwrap()).await;
        pair = answer.data("refresh").clone();
    }
    assert_eq!((end(&pair) - signed_in).num_days(), 90, "not beyond the end of the session");
}

/// A server treated an expired token like a missing one, so that clients did not know that they had to refresh.
#[tokio::test]
async fn django_graphql_jwt_204_an_expired_token_differs_from_a_missing_one() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    test.app.clock.advance(Duration::minutes(6));
    assert_eq!(signed_in.caller.me().await.code(), "TOKEN_EXPIRED");
    assert!(test.anonymous().me().await.data("me").is_null());
}

/// Identifiers of sessions are ordered by time and can be guessed. They give no access.
#[tokio::test]
async fn ghsa_jh92_5mrj_p2w2_the_identifier_of_a_session_gives_no_access() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let sid = claims_of(&signed_in.access)["sid"].as_str().unwrap().to_owned();
    let good = BASE64_URL_SAFE_NO_PAD.decode(&signed_in.refresh[4..]).unwrap();
    assert_eq!(good[..16], *uuid::Uuid::parse_str(&sid).unwrap().as_bytes(), "the token begins with it");
    let made = |tag: &[u8], generation: u8| {
        let mut bytes = good[..24].to_vec();
        bytes[23] = generation;
        bytes.extend(tag);
        format!("agr_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    };
    let own_tag = &good[24..];
    for token in
        [sid.clone(), format!("agr_{sid}"), made(&[], 0), made(&[0; 32], 0), made(own_tag, 1), made(own_tag, 255)]
    {
        assert_eq!(test.anonymous().refresh(&token).await.code(), "TOKEN_INVALID", "{token}");
        assert_eq!(test.anonymous().logout(&token).await.code(), "TOKEN_INVALID", "{token}");
        assert_eq!(test.bearer(&token).me().await.code(), "TOKEN_INVALID", "{token}");
        let cookie = format!("__Host-auth_graph_refresh={token}");
        let browser = test.anonymous().with_header("cookie", &cookie).with_header("x-csrf-token", &sid);
        assert_eq!(browser.send(operation!("refresh"), json!({})).await.code(), "TOKEN_INVALID", "{token}");
    }
    test.anonymous().refresh(&signed_in.refresh).await.data("refresh");
}

/// The issuer was taken from the token.
#[tokio::test]
async fn cve_2026_31813_a_token_of_another_issuer_is_invalid_even_if_it_names_this_one() {
    let test = TestApp::new().await;
    let other = TestApp::with(|config| config.server.public_url = "https://evil.test".to_owned()).await;
    let imposter = TestApp::with(|config| config.server.public_url = ISSUER.to_owned()).await;
    for stranger in [&other, &imposter] {
        let token = stranger.signed_in("ada@test.com", Rank::Superuser).await.access;
        assert_eq!(test.bearer(&token).me().await.code(), "TOKEN_INVALID");
    }
    let slash = TestApp::with(|config| config.server.public_url = format!("{ISSUER}/")).await;
    assert_eq!(claims_of(&slash.signed_in("ada@test.com", Rank::User).await.access)["iss"], format!("{ISSUER}/"));
}

/// The refresh grant never looked at the secret of the client.
#[tokio::test]
async fn cve_2026_53512_the_refresh_grant_requires_the_secret_of_a_client_that_has_one() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let id = client.id.to_string();
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &*ada.refresh), ("client_id", &id)];
    for secret in ["", "ags_wrong", &client.secret[..client.secret.len() - 1]] {
        let answer = test.anonymous().form("/oauth/token", &[&grant[..], &[("client_secret", secret)]].concat()).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]), (401, &json!("invalid_client")), "{secret}");
    }
    let right =
        test.anonymous().form("/oauth/token", &[&grant[..], &[("client_secret", &client.secret)]].concat()).await;
    assert_eq!(right.body["error"], "invalid_grant", "the token belongs to another client");
}

/// A secret was compared by `==`. A test that measures time would be unreliable, so this one reads the code: secrets
/// are compared only by functions that take constant time.
#[test]
fn ghsa_2xrw_5f2x_m56j_secrets_are_compared_in_constant_time() {
    let read = |name: &str| {
        std::fs::read_to_string(format!("{}/credentials/src/{name}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let body = |text: &str, name: &str| {
        text.split(&format!("fn {name}(")).nth(1).unwrap().split("\n}").next().unwrap().to_owned()
    };
    let matches = body(&read("client_secrets"), "matches");
    assert!(matches.contains(".ct_eq(") && !matches.contains("=="), "{matches}");
    assert!(body(&read("derived"), "verify").contains("hmac::verify("));
    for name in ["mac_keys", "refresh_tokens", "csrf_tokens", "cursors"] {
        assert!(read(name).contains(".0.verify(") || read(name).contains("key.verify("), "{name}");
    }
}

/// Checks every shorter, longer and otherwise changed secret of a client.
#[tokio::test]
async fn ghsa_6mq3_xmgp_pjm5_a_changed_client_secret_is_never_accepted() {
    let test = TestApp::with(|config| {
        config.limits.account_attempts = 1000;
        config.limits.network_attempts = 1000;
    })
    .await;
    let client = test.service_client("orders", "").await;
    let good = &client.secret;
    let mut bad: Vec<String> = (0..good.len()).map(|length| good[..length].to_owned()).collect();
    bad.extend((1..good.len()).map(|start| good[start..].to_owned()));
    bad.extend(["A", " ", "\u{0}", "\n"].map(|tail| format!("{good}{tail}")));
    bad.push(good.to_uppercase());
    for secret in &bad {
        let caller = test.anonymous().with_basic(&client.id.to_string(), secret);
        let answer = caller.form("/oauth/token", &[("grant_type", "client_credentials")]).await;
        assert_eq!(answer.body["error"], "invalid_client", "{secret}");
    }
    client.token().await;
}

/// authorizer 2.4.0: a refresh lost the audience, tokens of a service account outlived it, and delegated tokens had
/// more permissions than the actor.
#[tokio::test]
async fn authorizer_2_4_0_audience_and_scope_survive_a_refresh_and_a_disabled_client_has_no_token() {
    let test = TestApp::with(|config| config.tokens.further_audiences = vec!["billing".to_owned()]).await;
    test.create("ada@test.com", Rank::Staff).await;
    let input = json!({ "email": "ada@test.com", "password": PASSWORD, "audience": "billing", "scope": [] });
    let pair = test.anonymous().send(operation!("login"), json!({ "input": input })).await.data("login").clone();
    let mut refresh = pair["refreshToken"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        let next = test.anonymous().refresh(&refresh).await.data("refresh").clone();
        let claims = claims_of(next["accessToken"].as_str().unwrap());
        assert_eq!((&claims["aud"], &claims["scope"]), (&json!("billing"), &json!(null)), "{claims}");
        refresh = next["refreshToken"].as_str().unwrap().to_owned();
    }
    let (client, other) = (test.service_client("orders", "users:read").await, test.service_client("other", "").await);
    let token = client.token().await;
    test.bearer(&token).send(operation!("users"), json!({})).await.data("users");
    clients::disable(&test.app, &Actor::operator(), client.id).await.unwrap();
    assert_eq!(test.bearer(&token).send(operation!("users"), json!({})).await.code(), "TOKEN_REVOKED");
    assert!(!other.sees(&token).await);
}
