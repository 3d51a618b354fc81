//! Signing keys: the published ones, the stored ones, and those of other replicas.

use axum::body::Body;
use axum::http::Request;
use chrono::Duration;
use credentials::keyring::SealedKey;
use engine::accounts::Rank;
use engine::boot;
use model::config::SigningAlgorithm;
use sea_orm::EntityTrait;
use serde_json::json;
use store::signing_keys;

use crate::support::{ISSUER, TestApp};

#[tokio::test]
async fn every_algorithm_signs_and_publishes_only_its_public_key() {
    for (algorithm, expected) in [
        (SigningAlgorithm::ES256, json!(["alg", "crv", "key_ops", "kid", "kty", "use", "x", "y"])),
        (SigningAlgorithm::EdDSA, json!(["alg", "crv", "key_ops", "kid", "kty", "use", "x"])),
        (SigningAlgorithm::RS256, json!(["alg", "e", "key_ops", "kid", "kty", "n", "use"])),
    ] {
        let test = TestApp::with(|config| config.tokens.algorithm = algorithm).await;
        test.signed_in("ada@test.com", Rank::User).await.caller.me().await.data("me");
        let jwks = test.anonymous().get("/.well-known/jwks.json").await;
        assert_eq!(jwks.headers["content-type"], "application/jwk-set+json");
        assert_eq!(jwks.headers["cache-control"], "public, max-age=300", "verifiers cache it for the same time");
        let keys = jwks.body["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 1);
        let mut members: Vec<_> = keys[0].as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(json!(members), expected, "{algorithm:?}");
        assert_eq!(keys[0]["alg"], format!("{algorithm:?}"));
    }
}

/// Authorizer #570: the JWKS contained the HMAC key.
#[tokio::test]
async fn authorizer_570_an_hmac_key_is_never_published() {
    let test = TestApp::with(|config| config.tokens.algorithm = SigningAlgorithm::HS256).await;
    test.signed_in("ada@test.com", Rank::User).await.caller.me().await.data("me");
    assert_eq!(test.anonymous().get("/.well-known/jwks.json").await.text, r#"{"keys":[]}"#);
}

#[tokio::test]
async fn after_a_change_of_algorithm_old_tokens_stay_valid_and_only_the_new_key_is_published() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let mut config = test.app.config.clone();
    config.tokens.algorithm = SigningAlgorithm::EdDSA;
    let app = boot(config, test.app.clock.clone()).await.unwrap();
    let jwks = app.tokens.keyring.current().jwks().to_owned();
    assert!(jwks.contains("EdDSA") && !jwks.contains("ES256"), "{jwks}");
    engine::callers::authenticate(&app, &signed_in.access.into()).await.unwrap();
}

#[tokio::test]
async fn the_private_key_is_stored_encrypted() {
    let test = TestApp::with(|config| config.tokens.algorithm = SigningAlgorithm::HS256).await;
    let stored = signing_keys::Entity::find().all(&test.app.db).await.unwrap();
    let ring = test.app.tokens.keyring.current();
    let key = ring.signing(test.app.clock.now()).unwrap().encoding.as_bytes().to_vec();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].private_key.len(), 12 + key.len() + 16);
    assert!(!stored[0].private_key.windows(8).any(|window| key.windows(8).any(|part| part == window)));
    assert!(!format!("{:?}", stored[0]).contains("private_key"));
}

#[tokio::test]
async fn another_master_secret_does_not_decrypt_the_keys() {
    let test = TestApp::new().await;
    let mut config = test.app.config.clone();
    config.secret = "7Pbo4m0y2dQkzR1sXwVt8aJcLhE5uGfN9iKqTzB3xYM=".into();
    let error = boot(config, test.app.clock.clone()).await.unwrap_err();
    let message = format!("{error:?}");
    assert!(message.contains("cannot be decrypted with this master secret"), "{message}");
    assert!(message.contains("of the signing keys in the database"), "{message}");
}

#[tokio::test]
async fn a_key_of_another_replica_is_loaded_when_a_token_names_it() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let user = test.create_user("ada@test.com").await;
    let now = test.app.clock.now() + Duration::seconds(1);
    test.app.clock.advance(Duration::seconds(10));
    let SealedKey { kid, algorithm, private_key, active_from } = test.app.tokens.keyring.generate(now).unwrap();
    let key = signing_keys::Model { kid, algorithm, private_key, created_at: now, active_from, retired_at: None };
    signing_keys::insert(&test.app.db, key).await.unwrap();
    engine::keys::load(&test.app).await.unwrap();
    let signed_in = test.sign_in(user).await;
    assert_eq!(test.app.tokens.keyring.current().jwks().matches("kid").count(), 2);
    assert_eq!(replica.tokens.keyring.current().jwks().matches("kid").count(), 1);
    engine::callers::authenticate(&replica, &signed_in.access.into()).await.unwrap();
    assert_eq!(replica.tokens.keyring.current().jwks().matches("kid").count(), 2);
}

#[tokio::test]
async fn replicas_that_start_together_verify_each_others_tokens() {
    let test = TestApp::new().await;
    let (first, second) = tokio::join!(test.replica(), test.replica());
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    for app in [first, second] {
        engine::callers::authenticate(&app, &signed_in.access.clone().into()).await.unwrap();
    }
}

/// CWE-640, GHSA-3529-5m8x-rpv3: URLs were built from the Host header.
#[tokio::test]
async fn ghsa_3529_5m8x_rpv3_the_discovery_document_is_built_from_the_configuration() {
    let test = TestApp::new().await;
    let request = Request::get("/.well-known/openid-configuration")
        .header("host", "evil.test")
        .header("x-forwarded-host", "evil.test")
        .header("forwarded", "host=evil.test");
    let answer = test.anonymous().request(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.body["issuer"], ISSUER);
    assert_eq!(answer.body["jwks_uri"], format!("{ISSUER}/.well-known/jwks.json"));
    assert!(!answer.text.contains("evil"));
}
