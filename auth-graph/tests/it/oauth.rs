//! The endpoint `/oauth/token`, its clients, and the metadata that names it.

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::Duration;
use engine::accounts::Rank;
use engine::callers::Actor;
use engine::clients;
use sea_orm::{EntityTrait, Set};
use serde_json::{Value, json};

use crate::support::{Answer, ISSUER, TestApp};

const TOKEN: &str = "/oauth/token";
const CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");

fn claims(token: &str) -> Value {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Checks that an answer is an error in the form of RFC 6749 section 5.2.
fn is_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status.as_u16(), answer.body["error"].as_str()), (status, Some(error)), "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let challenge = answer.headers.get("www-authenticate").map(|value| value.to_str().unwrap());
    assert_eq!(challenge.is_some_and(|challenge| challenge.starts_with("Basic ")), status == 401);
}

#[tokio::test]
async fn a_service_client_gets_a_token_that_is_accepted() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "users:read orders:write").await;
    let answer = client.caller.form(TOKEN, &[CREDENTIALS]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let token = answer.body["access_token"].as_str().unwrap();
    let expected = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300,
        "scope": "orders:write users:read" });
    assert_eq!(answer.body, expected);
    let said = claims(token);
    let id = client.id.to_string();
    for (claim, expected) in [("sub", &*id), ("client_id", &id), ("sid", &id), ("aud", "graph"), ("iss", ISSUER)] {
        assert_eq!(said[claim], expected);
    }
    let seen = test.bearer(token).send("{ me { id } users { totalCount } }", json!({})).await;
    seen.data("users");
    assert!(seen.data("me").is_null(), "a service has no account");
    assert_eq!(test.anonymous().verify(token).await.data("verify")["active"], true);
}

#[tokio::test]
async fn a_client_or_user_without_scopes_gets_no_member_scope_anywhere() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let granted = client.caller.form(TOKEN, &[CREDENTIALS]).await;
    let refreshed = test.anonymous().form(TOKEN, &refreshing(&ada.refresh)).await;
    for answer in [granted, refreshed] {
        let token = answer.body["access_token"].as_str().unwrap();
        let introspected = client.caller.form("/oauth/introspect", &[("token", token)]).await;
        assert_eq!(introspected.body["active"], true, "{}", introspected.text);
        for members in [&answer.body, &claims(token), &introspected.body] {
            assert_eq!(members.get("scope"), None, "RFC 6749 section 3.3: {members}");
        }
    }
}

#[tokio::test]
async fn clients_authenticate_in_the_body_or_in_the_header() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let id = client.id.to_string();
    let fields = [CREDENTIALS, ("client_id", &*id), ("client_secret", &client.secret)];
    assert_eq!(test.anonymous().form(TOKEN, &fields).await.status, 200);
    let encode = |text: &str| text.replace('-', "%2D").replace('_', "%5F");
    let encoded = test.anonymous().with_basic(&encode(&id), &encode(&client.secret));
    assert_eq!(encoded.form(TOKEN, &[CREDENTIALS, ("client_id", &id)]).await.status, 200);
    is_refused(&client.caller.form(TOKEN, &fields).await, 400, "invalid_request");
    let other = test.service_client("other", "").await.id.to_string();
    is_refused(&client.caller.form(TOKEN, &[CREDENTIALS, ("client_id", &other)]).await, 400, "invalid_request");
}

#[tokio::test]
async fn unknown_disabled_and_wrong_get_one_answer() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let other = test.service_client("other", "").await;
    let gone = test.service_client("gone", "").await;
    clients::disable(&test.app, &Actor::operator(), gone.id).await.unwrap();
    let id = client.id.to_string();
    let mut answers = vec![gone.caller.form(TOKEN, &[CREDENTIALS]).await];
    for (id, secret) in [
        (&*id, "ags_wrong"),
        (&id, &other.secret),
        (&id, &client.secret[..client.secret.len() - 1]),
        (&id, &format!("{}A", client.secret)),
        (&id, ""),
        ("00000000-0000-7000-8000-000000000000", &client.secret),
        ("nobody", &client.secret),
        ("first-party", &client.secret),
    ] {
        answers.push(test.anonymous().with_basic(id, secret).form(TOKEN, &[CREDENTIALS]).await);
    }
    for answer in &answers {
        is_refused(answer, 401, "invalid_client");
        assert_eq!(answer.text, answers[0].text);
    }
}

#[tokio::test]
async fn ghsa_wx92_7mmw_5x82_malformed_credentials_are_rejected() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let encode = |text: String| format!("Basic {}", BASE64_STANDARD.encode(text));
    for header in [
        "Basic".to_owned(),
        "Basic !!!".to_owned(),
        "Basic \u{e9}".to_owned(),
        format!("Basic {}", BASE64_STANDARD.encode([0xff, b':', 0xfe])),
        format!("Bearer {}", client.secret),
        encode("no colon".to_owned()),
        encode(":".to_owned()),
        encode(format!("{}:{}=", client.id, client.secret)),
        encode(format!("{}:{}&a", client.id, client.secret)),
        encode(format!("{}\u{0}:{}", client.id, client.secret)),
    ] {
        let answer = test.anonymous().with_header("authorization", &header).form(TOKEN, &[CREDENTIALS]).await;
        is_refused(&answer, 401, "invalid_client");
    }
    is_refused(&test.anonymous().form(TOKEN, &[CREDENTIALS]).await, 401, "invalid_client");
    let twice = client.caller.clone().with_basic(&client.id.to_string(), &client.secret);
    is_refused(&twice.form(TOKEN, &[CREDENTIALS]).await, 400, "invalid_request");
    // RFC 6749 section 2.3.1: credentials are never accepted in the URL.
    let address = format!("{TOKEN}?client_id={}&client_secret={}", client.id, client.secret);
    is_refused(&test.anonymous().form(&address, &[CREDENTIALS]).await, 401, "invalid_client");
}

#[tokio::test]
async fn malformed_requests_are_rejected_with_a_description() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "a").await;
    let send = async |body: &str| client.caller.encoded(TOKEN, body.to_owned()).await;
    is_refused(&send("").await, 400, "invalid_request");
    is_refused(&send("grant_type=").await, 400, "invalid_request");
    is_refused(&send("grant_type=client_credentials&grant_type=client_credentials").await, 400, "invalid_request");
    is_refused(&send("grant_type=client_credentials&scope=a&scope=a").await, 400, "invalid_request");
    is_refused(&send("grant_type=client_credentials&extra=1&%65xtra=2").await, 400, "invalid_request");
    is_refused(&send("grant_type=refresh_token").await, 400, "invalid_request");
    for grant_type in ["password", "authorization_code", "CLIENT_CREDENTIALS", "\u{0}"] {
        is_refused(&client.caller.form(TOKEN, &[("grant_type", grant_type)]).await, 400, "unsupported_grant_type");
    }
    let huge = send(&format!("grant_type=client_credentials&x={}", "a".repeat(17 * 1024))).await;
    is_refused(&huge, 413, "invalid_request");
    for content_type in ["application/json", "text/plain", "multipart/form-data", ""] {
        let request = Request::post(TOKEN).header("content-type", content_type);
        let answer = client.caller.request(request.body("grant_type=client_credentials".into()).unwrap()).await;
        is_refused(&answer, 400, "invalid_request");
    }
    for path in [TOKEN, "/oauth/introspect", "/oauth/revoke"] {
        let answer = client.caller.get(&format!("{path}?grant_type=client_credentials")).await;
        is_refused(&answer, 405, "invalid_request");
        assert_eq!(answer.headers["allow"], "POST");
    }
}

#[tokio::test]
async fn a_client_gets_no_more_than_it_has() {
    let test = TestApp::with(|config| config.tokens.further_audiences = vec!["https://orders.test".to_owned()]).await;
    let client = test.service_client_for("orders", "a b", &["graph", "https://orders.test"]).await;
    let ask = async |name, value| client.caller.form(TOKEN, &[CREDENTIALS, (name, value)]).await;
    assert_eq!(ask("scope", "b").await.body["scope"], "b");
    assert_eq!(ask("scope", "").await.body["scope"], "a b", "a parameter without a value is ignored");
    for scope in ["c", "a c", "users:write", "\"", "a\u{0}"] {
        is_refused(&ask("scope", scope).await, 400, "invalid_scope");
    }
    for name in ["resource", "audience"] {
        let token = client.token_with(&[(name, "https://orders.test")]).await;
        assert_eq!(claims(&token)["aud"], "https://orders.test");
        is_refused(&ask(name, "https://others.test").await, 400, "invalid_target");
    }
    let both = [CREDENTIALS, ("resource", "graph"), ("audience", "https://orders.test")];
    is_refused(&client.caller.form(TOKEN, &both).await, 400, "invalid_target");
    let elsewhere = test.service_client_for("elsewhere", "", &["https://orders.test"]).await;
    assert_eq!(claims(&elsewhere.token().await)["aud"], "https://orders.test");
}

/// A client of an earlier configuration is left with the audiences that are configured now.
#[tokio::test]
async fn a_client_gets_no_token_for_an_audience_that_is_not_configured() {
    let test = TestApp::new().await;
    for (name, audiences) in [("both", json!(["https://gone.test", "graph"])), ("gone", json!(["https://gone.test"]))] {
        let client = test.service_client(name, "").await;
        let mut row: store::clients::ActiveModel =
            store::clients::find(&test.app.db, client.id).await.unwrap().unwrap().into();
        row.audiences = Set(audiences);
        store::clients::Entity::update(row).exec(&test.app.db).await.unwrap();
        for audience in [None, Some(("audience", "https://gone.test"))] {
            let form: Vec<_> = [Some(CREDENTIALS), audience].into_iter().flatten().collect();
            let answer = client.caller.form(TOKEN, &form).await;
            match (name, audience) {
                ("both", None) => assert_eq!(claims(answer.body["access_token"].as_str().unwrap())["aud"], "graph"),
                _ => is_refused(&answer, 400, "invalid_target"),
            }
        }
    }
}

/// A token for another audience gives no access here.
#[tokio::test]
async fn a_token_for_another_audience_is_not_accepted() {
    let test = TestApp::with(|config| config.tokens.further_audiences = vec!["https://orders.test".to_owned()]).await;
    let client = test.service_client_for("orders", "users:read", &["https://orders.test"]).await;
    let token = client.token().await;
    // The token is cached from now on, and still not accepted: signatures are cached, audiences are not.
    assert!(client.sees(&token).await);
    assert_eq!(test.bearer(&token).send("{ users { totalCount } }", json!({})).await.code(), "TOKEN_INVALID");
    assert_eq!(test.anonymous().verify(&token).await.data("verify")["active"], false);
}

#[tokio::test]
async fn failures_are_limited_and_never_lock_the_client_out() {
    let test = TestApp::with(|config| config.limits.account_attempts = 3).await;
    let client = test.service_client("orders", "").await;
    let thief = test.anonymous().with_basic(&client.id.to_string(), "ags_guess").at_address("198.51.100.7");
    for _ in 0..3 {
        is_refused(&thief.form(TOKEN, &[CREDENTIALS]).await, 401, "invalid_client");
    }
    let limited = thief.form(TOKEN, &[CREDENTIALS]).await;
    is_refused(&limited, 429, "temporarily_unavailable");
    assert_eq!(limited.headers["retry-after"], "30");
    is_refused(&thief.form("/oauth/introspect", &[("token", "x")]).await, 429, "temporarily_unavailable");
    for _ in 0..20 {
        client.token().await;
    }
}

#[tokio::test]
async fn the_network_of_an_attacker_is_limited_for_any_client_identifier() {
    let test = TestApp::with(|config| config.limits.network_attempts = 5).await;
    let mut statuses = Vec::new();
    for number in 0..6 {
        let guesser = test.anonymous().with_basic(&format!("client-{number}"), "ags_guess");
        statuses.push(guesser.form(TOKEN, &[CREDENTIALS]).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
}

fn refreshing(token: &str) -> [(&str, &str); 3] {
    [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "first-party")]
}

#[tokio::test]
async fn the_public_client_refreshes_sessions_of_users() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::Staff).await;
    let answer = test.anonymous().form(TOKEN, &refreshing(&ada.refresh)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!((&answer.body["token_type"], &answer.body["scope"]), (&json!("Bearer"), &json!("users:read")));
    let access = answer.body["access_token"].as_str().unwrap();
    assert_eq!(test.bearer(access).me().await.data("me")["email"], "ada@test.com");
    let again = test.anonymous().form(TOKEN, &refreshing(&ada.refresh)).await;
    assert_eq!(again.body["refresh_token"], answer.body["refresh_token"], "a repeated refresh returns the same token");
    let next = answer.body["refresh_token"].as_str().unwrap();
    let asked = [refreshing(next).as_slice(), &[("scope", "users:read"), ("resource", "graph")]].concat();
    assert_eq!(test.anonymous().form(TOKEN, &asked).await.status, 200);
    let more = [refreshing(next).as_slice(), &[("scope", "users:write")]].concat();
    is_refused(&test.anonymous().form(TOKEN, &more).await, 400, "invalid_scope");
    let elsewhere = [refreshing(next).as_slice(), &[("audience", "elsewhere")]].concat();
    is_refused(&test.anonymous().form(TOKEN, &elsewhere).await, 400, "invalid_target");
    let alone = [("grant_type", "client_credentials"), ("client_id", "first-party")];
    is_refused(&test.anonymous().form(TOKEN, &alone).await, 400, "unauthorized_client");
}

#[tokio::test]
async fn invalid_refresh_tokens_are_invalid_grants() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let send = async |token: &str| test.anonymous().form(TOKEN, &refreshing(token)).await;
    for token in ["x", "agr_", &ada.access, &ada.refresh[..ada.refresh.len() - 1]] {
        is_refused(&send(token).await, 400, "invalid_grant");
    }
    let second = send(&ada.refresh).await.body["refresh_token"].as_str().unwrap().to_owned();
    let third = send(&second).await.body["refresh_token"].as_str().unwrap().to_owned();
    test.app.clock.advance(Duration::minutes(1));
    is_refused(&send(&ada.refresh).await, 400, "invalid_grant");
    is_refused(&send(&third).await, 400, "invalid_grant");
    let eve = test.signed_in("eve@test.com", Rank::User).await;
    test.disable(eve.user.id).await;
    is_refused(&send(&eve.refresh).await, 400, "invalid_grant");
    let late = test.signed_in("late@test.com", Rank::User).await;
    test.app.clock.advance(Duration::days(15));
    is_refused(&send(&late.refresh).await, 400, "invalid_grant");
}

/// GHSA-7qh2-3hc5-2vqp (a refresh token was usable by another client) and CVE-2026-53512 (the refresh grant never
/// verified the client's secret).
#[tokio::test]
async fn ghsa_7qh2_3hc5_2vqp_another_client_cannot_use_a_refresh_token() {
    let test = TestApp::new().await;
    let thief = test.service_client("thief", "users:read").await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*ada.refresh)];
    is_refused(&thief.caller.form(TOKEN, &fields).await, 400, "invalid_grant");
    is_refused(&test.anonymous().form(TOKEN, &fields).await, 401, "invalid_client");
    let id = thief.id.to_string();
    let nameless = [fields.as_slice(), &[("client_id", &id)]].concat();
    is_refused(&test.anonymous().form(TOKEN, &nameless).await, 401, "invalid_client");
    let wrong = test.anonymous().with_basic(&thief.id.to_string(), "ags_wrong");
    is_refused(&wrong.form(TOKEN, &fields).await, 401, "invalid_client");
    // An outdated token that another client presents does not end the session either.
    let second = test.anonymous().refresh(&ada.refresh).await.data("refresh")["refreshToken"].clone();
    let third = test.anonymous().refresh(second.as_str().unwrap()).await;
    is_refused(&thief.caller.form(TOKEN, &fields).await, 400, "invalid_grant");
    let third = third.data("refresh")["refreshToken"].as_str().unwrap();
    test.anonymous().refresh(third).await.data("refresh");
}

/// CWE-640: the URLs come from the configuration, and both documents have the same ones.
#[tokio::test]
async fn the_metadata_names_the_existing_endpoints() {
    let test = TestApp::new().await;
    let get = async |path: &str| {
        let request = Request::get(path).header("host", "evil.test").body(Body::empty()).unwrap();
        test.anonymous().request(request).await
    };
    let answer = get("/.well-known/oauth-authorization-server").await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    assert_eq!(answer.body, get("/.well-known/openid-configuration").await.body);
    assert_eq!(answer.body["issuer"], ISSUER);
    for member in ["token_endpoint", "introspection_endpoint", "revocation_endpoint"] {
        let path = answer.body[member].as_str().unwrap().strip_prefix(ISSUER).unwrap();
        is_refused(&test.anonymous().form(path, &[CREDENTIALS, ("token", "x")]).await, 401, "invalid_client");
    }
    assert_eq!(answer.body["id_token_signing_alg_values_supported"], json!(["ES256"]), "never none");
    assert_eq!(answer.body["grant_types_supported"], json!(["client_credentials", "refresh_token"]));
    assert_eq!(get(answer.body["jwks_uri"].as_str().unwrap().strip_prefix(ISSUER).unwrap()).await.status, 200);
}

#[tokio::test]
async fn an_outage_of_the_database_is_reported_as_unavailable() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    test.app.db.clone().close().await.unwrap();
    let answer = client.caller.form(TOKEN, &[CREDENTIALS]).await;
    assert!(answer.status.is_server_error() && !answer.text.contains("pool"), "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
}
