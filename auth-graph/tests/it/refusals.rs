//! Refusals say why: each FORBIDDEN has a reason, and the log names what differs in a refused token.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials::AccessTokens;
use credentials::access_tokens::Grant;
use engine::accounts::Rank;
use model::config::{Introspection, Profile, Registration};
use model::values::{AdditionalClaims, Holder, Scopes};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tracing_subscriber::filter::LevelFilter;

use crate::logs::Captured;
use crate::support::{ISSUER, PASSWORD, TestApp, operation};

/// Returns the message and the extensions of the first error, whose code must be `FORBIDDEN`.
fn forbidden(answer: &crate::support::Answer) -> (String, Value) {
    assert_eq!(answer.code(), "FORBIDDEN", "{}", answer.text);
    let error = &answer.body["errors"][0];
    (error["message"].as_str().unwrap().to_owned(), error["extensions"].clone())
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await.caller;
    let (message, extensions) = forbidden(&ada.send(operation!("users"), json!({})).await);
    assert_eq!(message, "The access token lacks the scope users:read.");
    assert_eq!(extensions["reason"], "MISSING_SCOPE");
    assert_eq!(extensions["requiredScopes"], json!(["users:read"]));
}

#[tokio::test]
async fn a_setting_that_forbids_an_operation_is_named() {
    let register = json!({ "input": { "email": "ada@test.com", "password": PASSWORD } });
    let closed = TestApp::with(|config| config.accounts.registration = Registration::Off).await;
    let invited = TestApp::with(|config| config.accounts.registration = Registration::Invitation).await;
    for (test, reason) in [(&closed, "REGISTRATION_CLOSED"), (&invited, "INVITATION_REQUIRED")] {
        let (message, extensions) = forbidden(&test.anonymous().send(operation!("register"), register.clone()).await);
        assert_eq!(extensions["reason"], reason);
        assert!(message.contains("accounts.registration"), "{message}");
    }
}

#[tokio::test]
async fn an_actor_with_fewer_permissions_and_a_service_client_are_told_apart() {
    let test = TestApp::new().await;
    let client = test.bearer(&test.service_client("orders", "").await.token().await);
    let update = json!({ "input": { "firstName": "Ada" } });
    let (_, extensions) = forbidden(&client.send(operation!("update_profile"), update).await);
    assert_eq!(extensions["reason"], "USER_REQUIRED");
    let writer = test.bearer(&test.service_client("writer", "users:write").await.token().await);
    let root = test.create("root@test.com", Rank::Superuser).await;
    let disable = "mutation($id: ID!) { disableUser(id: $id) { user { id } } }";
    let (_, extensions) = forbidden(&writer.send(disable, json!({ "id": root.id })).await);
    assert_eq!(extensions["reason"], "INSUFFICIENT_PERMISSIONS");
}

/// Each of these tokens has a good signature.
#[tokio::test]
async fn the_log_says_once_a_minute_why_a_token_is_refused_and_never_the_token() {
    let captured = Captured::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(captured.clone()).with_ansi(false);
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let now = test.app.clock.now();
    let grant = |ahead: i64| Grant {
        holder: Holder::of_claims(ada.user.id.0, uuid::Uuid::new_v4()),
        client_id: "first-party".to_owned(),
        scope: Scopes::default(),
        auth_time: now,
        amr: Vec::new(),
        additional: AdditionalClaims::default(),
        act: None,
        issued_at: now + chrono::Duration::minutes(ahead),
        expires_at: now + chrono::Duration::minutes(30),
    };
    let mint = |issuer: &str, audience: &str, ahead: i64| {
        let tokens = AccessTokens::new(issuer.to_owned(), audience.to_owned());
        tokens.mint(&test.app.tokens.keyring, grant(ahead)).unwrap().expose_secret().to_owned()
    };
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"ES256","kid":"unknown"}"#);
    let other = format!("{header}.{}", ada.access.split_once('.').unwrap().1);
    for (token, words) in [
        (mint("https://old.test", "graph", 0), ["issuer is another", "https://old.test"]),
        (mint(ISSUER, "billing", 0), ["audience is another", "billing"]),
        (mint(ISSUER, "graph", 5), ["not valid yet", "ahead_seconds="]),
        (other, ["key is not one of ours", ISSUER]),
    ] {
        let lines = || captured.text().lines().filter(|line| line.contains(words[0])).count();
        for _ in 0..3 {
            assert_eq!(test.bearer(&token).me().await.code(), "TOKEN_INVALID");
        }
        assert_eq!(lines(), 1, "{}", captured.text());
        test.app.clock.advance(chrono::Duration::seconds(61));
        test.bearer(&token).me().await;
        assert!(lines() >= 1 && captured.text().contains(words[1]), "{}", captured.text());
        assert!(!captured.text().contains(token.rsplit('.').next().unwrap()), "{}", captured.text());
    }
}

#[tokio::test]
async fn one_bad_representation_does_not_take_the_others_with_it() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let good = json!({ "__typename": "User", "id": ada.user.id });
    let document = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id } } }";
    for bad in [
        json!({ "__typename": "User", "id": 5 }),
        json!({ "__typename": "User" }),
        json!({ "__typename": "Note", "id": "1" }),
        json!({ "id": ada.user.id }),
        json!("User"),
    ] {
        let representations = json!({ "r": [good, bad, good] });
        let answer = ada.caller.send(document, representations).await;
        let expected = json!([{ "id": ada.user.id }, null, { "id": ada.user.id }]);
        assert_eq!(answer.body["data"]["_entities"], expected, "{bad}: {}", answer.text);
        let errors = answer.body["errors"].as_array().unwrap();
        assert_eq!((errors.len(), &errors[0]["path"]), (1, &json!(["_entities", 1])), "{bad}");
        assert_eq!(answer.code(), "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn the_schema_is_shown_in_production_only_if_introspection_is_on() {
    for (profile, introspection, is_shown) in [
        (Profile::Development, Introspection::Auto, true),
        (Profile::Development, Introspection::Off, false),
        (Profile::Production, Introspection::Auto, false),
        (Profile::Production, Introspection::On, true),
    ] {
        let test = TestApp::with(|config| {
            config.profile = profile;
            config.graphql.introspection = introspection;
        })
        .await;
        let sdl = test.anonymous().send("{ _service { sdl errorCodes } }", json!({})).await;
        assert_eq!(sdl.body["data"]["_service"]["sdl"].is_string(), is_shown, "{}", sdl.text);
        let types = test.anonymous().send("{ __schema { types { name } } }", json!({})).await;
        assert_eq!(types.body["data"]["__schema"].is_object(), is_shown);
        if !is_shown {
            assert_eq!(forbidden(&sdl).1["reason"], "INTROSPECTION_DISABLED");
            assert_eq!(types.body["errors"][0]["extensions"]["reason"], "INTROSPECTION_DISABLED");
        }
    }
}

/// RFC 8414 section 3.2: a claim with no elements is left out.
#[tokio::test]
async fn the_discovery_documents_have_no_empty_lists() {
    let test = TestApp::new().await;
    for name in ["openid-configuration", "oauth-authorization-server"] {
        let document = test.anonymous().get(&format!("/.well-known/{name}")).await.body;
        for (member, value) in document.as_object().unwrap() {
            assert!(value.as_array().is_none_or(|list| !list.is_empty()), "{member}");
        }
        assert_eq!(document["jwks_uri"], format!("{ISSUER}/.well-known/jwks.json"));
    }
}
