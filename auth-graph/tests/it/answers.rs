//! Cached answers about tokens. None is given again after the token has ended or the client has changed.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use auth_graph::http::Remembered;
use axum::body::{Body, HttpBody};
use axum::http::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::middleware::{Next, from_fn};
use bytes::Bytes;
use chrono::Duration;
use engine::accounts::Rank;
use engine::administration::{self, Update};
use engine::callers::Actor;
use engine::clients;
use engine::keys::{self, Start};
use http_body::{Frame, SizeHint};
use jsonwebtoken::decode_header;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{SignedIn, TestApp, claims_of};

const VERIFY: &str = "mutation ($token: String!) { verify(token: $token) { active reason claims { sub scope } } }";

/// Returns an app that has cached one answer, and the token that it is about.
async fn asked_about() -> (TestApp, SignedIn) {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    test.app.tokens.revocations.complete_at(test.app.clock.now());
    let first = test.anonymous().send(VERIFY, json!({ "token": ada.access })).await;
    assert_eq!(first.data("verify")["active"], true);
    assert_eq!(test.remembered.len(), 1);
    let second = test.anonymous().send(VERIFY, json!({ "token": ada.access })).await;
    assert_eq!(second.text, first.text);
    (test, ada)
}

async fn reason(test: &TestApp, token: &str) -> String {
    let answer = test.anonymous().send(VERIFY, json!({ "token": token })).await;
    answer.data("verify")["reason"].as_str().unwrap_or("none").to_owned()
}

#[tokio::test]
async fn a_cached_answer_is_given_without_an_execution() {
    let (test, ada) = asked_about().await;
    let (remembered, reached) = (Remembered::new(&test.app), Arc::new(AtomicUsize::new(0)));
    let counted = reached.clone();
    let count = move |request: Request<Body>, next: Next| {
        counted.fetch_add(1, Ordering::Relaxed);
        next.run(request)
    };
    let router = test.router().layer(from_fn(count)).layer(remembered.clone());
    let executions = || reached.swap(0, Ordering::Relaxed);
    let body = json!({ "query": VERIFY, "variables": { "token": ada.access } }).to_string();
    let request = || Request::post("/graphql").header(CONTENT_TYPE, "application/json");
    let ask = async |request: Request<Body>| {
        test.app.tokens.revocations.complete_at(test.app.clock.now());
        let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        (head, axum::body::to_bytes(body, 4096).await.unwrap())
    };
    let (_, first) = ask(request().body(body.clone().into()).unwrap()).await;
    assert_eq!((executions(), remembered.len()), (1, 1));
    let (head, second) = ask(request().body(body.clone().into()).unwrap()).await;
    assert_eq!((executions(), &second), (0, &first));
    assert_eq!(head.headers[CONTENT_TYPE], "application/json; charset=utf-8");
    assert_eq!(head.headers["cache-control"], "no-store");

    // The answer is given only to requests of that kind.
    let other = request().header(ACCEPT, "application/graphql-response+json").body(body.clone().into()).unwrap();
    let (head, _) = ask(other).await;
    assert_eq!(executions(), 1);
    assert_eq!(head.headers[CONTENT_TYPE], "application/graphql-response+json; charset=utf-8");
    let form = Request::post("/graphql").header(CONTENT_TYPE, "text/plain").body(body.clone().into()).unwrap();
    assert_eq!((ask(form).await.0.status.as_u16(), executions()), (415, 1));
    let events = request().header(ACCEPT, "text/event-stream; charset=utf-8");
    let (head, _) = ask(events.body(body.clone().into()).unwrap()).await;
    assert_eq!(executions(), 1);
    assert_eq!(head.headers[CONTENT_TYPE], "text/event-stream; charset=utf-8");
    // It is not given either when the outbox was not read for a while.
    test.app.clock.advance(Duration::seconds(2));
    router.clone().oneshot(request().body(Body::from(body)).unwrap()).await.unwrap();
    assert_eq!((executions(), reason(&test, &ada.access).await.as_str()), (1, "none"));
}

/// The layer reads the body before the routes, which must still report an error of it.
#[tokio::test]
async fn a_body_that_does_not_arrive_has_the_code_of_its_route() {
    let test = TestApp::new().await;
    tokio::time::pause();
    for (path, media_type, status) in
        [("/graphql", "application/json", 408), ("/oauth/introspect", "application/x-www-form-urlencoded", 400)]
    {
        let slow = Body::new(Late);
        let request = Request::post(path).header(CONTENT_TYPE, media_type).body(slow).unwrap();
        let answer = test.anonymous().request(request).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text);
        assert!(answer.text.contains("did not arrive in time"), "{}", answer.text);
    }
}

/// A body that states its length and never arrives.
struct Late;

impl HttpBody for Late {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(10)
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_reported_as_active() {
    let (test, ada) = asked_about().await;
    ada.caller.logout(&ada.refresh).await;
    test.app.tokens.revocations.complete_at(test.app.clock.now());
    assert_eq!(reason(&test, &ada.access).await, "REVOKED");
    assert!(test.remembered.is_empty());

    let (test, ada) = asked_about().await;
    test.app.clock.advance(Duration::minutes(5));
    test.app.tokens.revocations.complete_at(test.app.clock.now());
    assert_eq!(reason(&test, &ada.access).await, "EXPIRED");

    let (test, ada) = asked_about().await;
    keys::rotate(&test.app, &Actor::operator(), Start::Now).await.unwrap();
    keys::retire(&test.app, &Actor::operator(), &decode_header(&ada.access).unwrap().kid.unwrap()).await.unwrap();
    test.app.tokens.revocations.complete_at(test.app.clock.now());
    assert_eq!(reason(&test, &ada.access).await, "INVALID");
}

#[tokio::test]
async fn answers_that_depend_on_more_than_the_token_are_not_cached() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let documents = [
        "mutation ($token: String!) { verify(token: $token) { active user { firstName } } }",
        "mutation ($token: String!) { verify(token: $token) { active ... on TokenVerification { ...F } } }
         fragment F on TokenVerification { user { firstName } }",
        "mutation ($token: String!) { a: verify(token: $token) { active } b: verify(token: $token) { active } }",
        "mutation ($token: String!) { verify(token: $token) { active } logout { revokedSessions } }",
    ];
    for document in documents {
        test.app.tokens.revocations.complete_at(test.app.clock.now());
        test.anonymous().send(document, json!({ "token": ada.access })).await;
        assert!(test.remembered.is_empty(), "{document}");
    }
    let name = async || {
        let answer = test.anonymous().send(documents[0], json!({ "token": ada.access })).await;
        answer.data("verify")["user"]["firstName"].as_str().unwrap().to_owned()
    };
    assert_eq!(name().await, "Ada");
    let update = Update { first_name: Some("Augusta".parse().unwrap()), ..Update::default() };
    administration::update(&test.app, &Actor::operator(), ada.user.id, update).await.unwrap();
    assert_eq!(name().await, "Augusta");

    assert_eq!(reason(&test, "no token").await, "INVALID");
    test.anonymous().verify(&ada.refresh).await.data("verify");
    assert!(test.remembered.is_empty(), "only answers about valid access tokens are cached");
}

#[tokio::test]
async fn introspection_is_cached_for_the_client_that_asked() {
    let test = TestApp::with(|config| config.tokens.further_audiences = vec!["elsewhere".to_owned()]).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let client = test.service_client("orders", "").await;
    let fresh = || test.app.tokens.revocations.complete_at(test.app.clock.now());
    fresh();
    assert!(client.sees(&ada.access).await && client.sees(&ada.access).await);
    assert_eq!(test.remembered.len(), 1);

    // Neither another secret nor another client gets it.
    let wrong = test.anonymous().with_basic(&client.id.to_string(), "ags_wrong");
    assert_eq!(wrong.form("/oauth/introspect", &[("token", &ada.access)]).await.status, 401);
    let nobody = test.anonymous().form("/oauth/introspect", &[("token", &ada.access)]).await;
    assert_eq!(nobody.status, 401);
    let twice = client.caller.clone().with_header("authorization", "Basic b3RoZXI6b3RoZXI=");
    assert_eq!(twice.form("/oauth/introspect", &[("token", &ada.access)]).await.status, 400);
    let other = test.service_client_for("other", "", &["elsewhere"]).await;
    assert!(!other.sees(&ada.access).await);

    let made = clients::rotate_secret(&test.app, &Actor::operator(), client.id).await.unwrap();
    fresh();
    assert_eq!(client.caller.form("/oauth/introspect", &[("token", &ada.access)]).await.status, 401);
    let rotated = secrecy::ExposeSecret::expose_secret(&made.secret).to_owned();
    let caller = test.anonymous().with_basic(&client.id.to_string(), &rotated);
    assert_eq!(caller.form("/oauth/introspect", &[("token", &ada.access)]).await.body["active"], true);
    assert_eq!(
        caller.form("/oauth/introspect", &[("token", &ada.access)]).await.body["sub"],
        claims_of(&ada.access)["sub"]
    );
    clients::disable(&test.app, &Actor::operator(), client.id).await.unwrap();
    fresh();
    assert_eq!(caller.form("/oauth/introspect", &[("token", &ada.access)]).await.status, 401);
}
