//! Refusals say why: to the caller which permission is missing, and in the log what is wrong with a token or a setting.

use std::time::Duration;

use client_graph::guard::HasScope;
use client_graph::layer::Require;
use client_graph::testing::TestIssuer;
use client_graph::{AuthGraph, Code, Principal, Verification};
use engine::callers::Actor;
use engine::clients::{self, NewClient};
use model::values::Scopes;
use serde_json::json;

use crate::outage::Log;
use crate::support::{ask, code_of, get};
use crate::world::{Feed, World};

async fn principal(auth: &AuthGraph, token: String) -> Principal {
    Principal::clone(&auth.authenticate(&token.into()).await.unwrap())
}

#[tokio::test]
async fn a_missing_scope_is_named_in_the_error_and_in_the_challenge_of_a_route() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).scope("a").sign();
    let error = principal(&auth, token.clone()).await.require_scope("b").unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::Forbidden, Some("MISSING_SCOPE")));
    assert_eq!(error.required_scopes().collect::<Vec<_>>(), ["b"]);
    assert_eq!(error.to_string(), "The access token lacks the scope b.");
    for (rule, scopes) in [
        (Require::scope("b"), json!(["b"])),
        (Require::all_scopes(&["a", "b"]), json!(["a", "b"])),
        (Require::any_scope(&["b", "c"]), json!(["b", "c"])),
    ] {
        let router = axum::Router::new().route("/", axum::routing::get(async || "")).layer(rule).layer(auth.layer());
        let request = get("/").header("authorization", format!("Bearer {token}"));
        let answer = ask(&router, request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!((answer.status, &answer.body["requiredScopes"]), (403, &scopes));
        assert_eq!(answer.body["reason"], "MISSING_SCOPE");
        let listed =
            scopes.as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect::<Vec<_>>().join(" ");
        let challenge = format!(r#"Bearer error="insufficient_scope", scope="{listed}""#);
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
}

#[tokio::test]
async fn a_guard_names_the_scopes_that_it_requires() {
    struct Query;

    #[async_graphql::Object]
    impl Query {
        #[graphql(guard = "HasScope::any(&[\"b\", \"c\"])")]
        async fn scoped(&self) -> bool {
            true
        }
    }
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let context = auth.context(&crate::support::bearer(&token)).await;
    let schema = async_graphql::Schema::new(Query, async_graphql::EmptyMutation, async_graphql::EmptySubscription);
    let answer = schema.execute(async_graphql::Request::new("{ scoped }").data(context)).await;
    let error = serde_json::to_value(&answer.errors[0]).unwrap();
    let expected = json!({ "code": "FORBIDDEN", "reason": "MISSING_SCOPE", "requiredScopes": ["b", "c"] });
    assert_eq!(error["extensions"], expected);
    assert_eq!(error["message"], "The access token lacks the scope b or c.");
}

#[tokio::test]
async fn the_log_says_once_a_minute_why_a_good_token_is_refused() {
    let (log, _guard) = Log::begin();
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let token = || issuer.token_for(&user);
    let later = json!((issuer.clock().now() + chrono::TimeDelta::minutes(10)).timestamp());
    for (token, words) in [
        (token().claim("iss", json!("https://elsewhere.test")), ["its issuer is another", "https://elsewhere.test"]),
        (token().claim("aud", json!(["billing"])), ["its audience is another", "billing"]),
        (token().claim("nbf", later.clone()), ["it is not valid yet", "AuthGraphBuilder::leeway"]),
        (token().claim("iat", later), ["", ""]),
        (token().header("kid", json!("k\n1")), ["does not publish its key", r"k\\n1"]),
    ] {
        let token = token.sign();
        // Only a few fetches for an unknown key are allowed at once.
        for _ in 0..if words[0].contains("key") { 1 } else { 3 } {
            assert_eq!(code_of(&auth, &token).await, Some(Code::TokenInvalid), "{words:?}");
        }
        if words[0].is_empty() {
            continue;
        }
        let lines = log.lines(words[0]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(" WARN ") && lines[0].contains(words[1]), "{lines:?}");
        assert!(!lines[0].contains(token.rsplit('.').next().unwrap()), "{lines:?}");
    }
    issuer.clock().advance(Duration::from_secs(61));
    let token = token().claim("iss", json!("https://elsewhere.test")).sign();
    assert_eq!(code_of(&auth, token).await, Some(Code::TokenInvalid));
    assert_eq!(log.lines("its issuer is another").len(), 2);
}

#[tokio::test]
async fn the_log_names_both_issuers_when_auth_graph_verifies_the_tokens() {
    let (log, _guard) = Log::begin();
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().issuer("https://wrong.test").verification(Verification::Remote).build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    assert_eq!(code_of(&auth, token).await, Some(Code::TokenInvalid));
    let lines = log.lines("its issuer is another");
    assert!(
        lines.len() == 1 && lines[0].contains("https://wrong.test") && lines[0].contains(issuer.url()),
        "{lines:?}"
    );
}

/// Whoever cannot sign the token learns and causes nothing.
#[tokio::test]
async fn a_forged_token_is_not_reported() {
    let (log, _guard) = Log::begin();
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).claim("iss", json!("https://evil.test"));
    let forged = token.signed_by(client_graph::testing::Signature::ForeignKey).sign();
    assert_eq!(code_of(&auth, forged).await, Some(Code::TokenInvalid));
    log.complains(0);
}

#[tokio::test]
async fn a_wrong_secret_of_the_service_client_is_named_in_the_log() {
    let (log, _guard) = Log::begin();
    let issuer = TestIssuer::start().await;
    let id = "0197c2a0-0000-7000-8000-000000000001";
    let auth = issuer.auth_graph().service_client(id, "wrong".to_owned().into()).build().unwrap();
    let following = tokio::spawn(auth.run_feed(std::future::pending()));
    log.says("auth-graph refused the service client", 1).await;
    following.abort();
    let lines = log.lines(" WARN ");
    assert!(lines[0].contains(id) && lines[0].contains("secret"), "{lines:?}");
    let error = issuer.auth_graph().build().unwrap().run_feed(async {}).await.unwrap_err();
    assert!(error.to_string().contains("AuthGraphBuilder::service_client"), "{error}");
}

#[tokio::test]
async fn a_service_client_without_the_scope_of_the_feed_is_named_in_the_log() {
    let world = World::start_with(Feed::Ignored, &[]).await;
    let new = NewClient {
        name: "introspecting".to_owned(),
        scopes: Scopes::default(),
        audiences: Vec::new(),
        projection: None,
    };
    let made = clients::create(&world.auth_app, &Actor::operator(), new).await.unwrap();
    let id = made.client.id.to_string();
    let (log, _guard) = Log::begin();
    let auth = AuthGraph::builder(&world.auth_url).audience("graph").service_client(&id, made.secret).build().unwrap();
    let following = tokio::spawn(auth.run_feed(std::future::pending()));
    log.says(&format!("the service client {id} may not follow the feed: give it the scope feed:read"), 1).await;
    following.abort();
    log.complains(1);
}
