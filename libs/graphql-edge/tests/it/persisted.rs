//! Automatic persisted queries in the form of Apollo's clients: the hash alone, then both, then the hash again.

use axum::http::{Request, StatusCode};
use graphql_edge::{Limits, Settings};
use serde_json::{Value, json};

use crate::{
    schema::{Answer, Service, limits, post_request, service, service_configured},
    socket::Server,
};

const DOCUMENT: &str = "query($name: String) { greeting(name: $name) }";
const HASH: &str = "72a057bb257de00e0a103d53f95563f180fa224b493a88f1a93e48718a5a7312";

fn storing(bytes: u64) -> Service {
    service_configured(limits(), Settings { stored_documents_bytes: bytes, ..Settings::default() })
}

fn named(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

async fn send(service: &Service, document: Option<&str>, extensions: Value) -> Answer {
    let body = json!({ "query": document, "extensions": extensions, "variables": { "name": "Ada" } });
    service.post(body.to_string()).await
}

fn greets(answer: &Answer) {
    assert_eq!(answer.body, json!({ "data": { "greeting": "Hello, Ada" } }));
}

#[tokio::test]
async fn a_document_that_was_sent_with_its_hash_can_be_named_by_the_hash() {
    let service = storing(10_000);
    let unknown = send(&service, None, named(HASH)).await;
    assert_eq!(unknown.status, StatusCode::OK);
    assert_eq!((unknown.code(), unknown.message()), ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"));
    greets(&send(&service, Some(DOCUMENT), named(HASH)).await);
    for _ in 0..3 {
        greets(&send(&service, None, named(HASH)).await);
    }
    let body = json!({ "documentId": format!("sha256:{HASH}"), "variables": { "name": "Ada" } });
    greets(&service.post(body.to_string()).await);
    greets(&send(&service, Some(""), named(HASH)).await);
}

#[tokio::test]
async fn a_stored_document_can_be_named_on_every_transport() {
    let settings = Settings { stored_documents_bytes: 10_000, queries_by_get: true, ..Settings::default() };
    let service = service_configured(limits(), settings);
    let uri = format!("/graphql?documentId=sha256:{HASH}&variables=%7B%22name%22:%22Ada%22%7D");
    let get = || Request::get(&uri).body(axum::body::Body::empty()).unwrap();
    assert_eq!(service.send(get()).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    greets(&send(&service, Some(DOCUMENT), named(HASH)).await);
    greets(&service.send(get()).await);
    let server = Server::start(service);
    let mut socket = server.accepted(json!({})).await;
    let payload = json!({ "extensions": named(HASH), "variables": { "name": "Eve" } });
    socket.say(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    let data = json!({ "data": { "greeting": "Hello, Eve" } });
    assert_eq!(socket.recv().await, json!({ "type": "next", "id": "1", "payload": data }));
    assert_eq!(socket.recv().await, json!({ "type": "complete", "id": "1" }));
    let payload = json!({ "extensions": named("0") });
    socket.say(json!({ "type": "subscribe", "id": "2", "payload": payload })).await;
    let answer = socket.recv().await;
    assert_eq!(answer["type"], "error");
    assert_eq!(answer["payload"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn a_document_is_not_stored_under_a_wrong_hash() {
    let service = storing(10_000);
    for hash in ["", "0", &HASH.to_uppercase(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"] {
        let answer = send(&service, Some("mutation { refresh }"), named(hash)).await;
        assert_eq!(answer.code(), "BAD_REQUEST", "{hash}");
    }
    assert_eq!(service.executed.count(), 0);
    assert_eq!(send(&service, None, named(HASH)).await.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn a_malformed_extension_is_rejected() {
    let service = storing(10_000);
    for extension in [json!(null), json!({}), json!({ "version": 2, "sha256Hash": HASH }), json!({ "version": 1 })] {
        let answer = send(&service, Some(DOCUMENT), json!({ "persistedQuery": extension })).await;
        assert_eq!(answer.code(), "BAD_REQUEST", "{extension}");
    }
}

#[tokio::test]
async fn a_document_that_is_rejected_or_may_contain_a_secret_or_is_long_is_not_stored() {
    let small = Limits { cached_document_bytes: 60, ..limits() };
    let service = service_configured(small, Settings { stored_documents_bytes: 10_000, ..Settings::default() });
    for document in [
        "{",
        "mutation { a: refresh b: refresh }",
        "mutation { login(password: \"hunter2\") }",
        &format!("{{ {} }}", "greeting ".repeat(10)),
    ] {
        let hash = hash_of(document);
        send(&service, Some(document), named(&hash)).await;
        let again = send(&service, None, named(&hash)).await;
        assert_eq!(again.code(), "PERSISTED_QUERY_NOT_FOUND", "{document}");
    }
}

#[tokio::test]
async fn the_limits_apply_to_stored_and_named_documents() {
    let service = storing(10_000);
    let document = "mutation { a: refresh b: refresh }";
    for _ in 0..2 {
        let answer = send(&service, Some(document), named(&hash_of(document))).await;
        assert_eq!(answer.code(), "LIMIT_EXCEEDED");
    }
    let invalid = "query($name: String) { nothing(name: $name) }";
    for text in [Some(invalid), None] {
        assert_eq!(send(&service, text, named(&hash_of(invalid))).await.code(), "GRAPHQL_VALIDATION_FAILED");
    }
    assert_eq!(service.executed.count(), 0);
}

#[tokio::test]
async fn the_store_is_bounded_in_bytes() {
    let service = storing(20_000);
    let documents: Vec<_> = (0..500).map(|n| format!("{{ name{n}: greeting }}")).collect();
    for document in &documents {
        send(&service, Some(document), named(&hash_of(document))).await;
    }
    let mut known = 0;
    for document in &documents {
        known += usize::from(send(&service, None, named(&hash_of(document))).await.body.get("errors").is_none());
    }
    // An entry weighs its about 21 bytes of text and the 64 of its hash.
    assert!((50..=240).contains(&known), "{known}");
}

#[tokio::test]
async fn a_service_without_a_store_asks_clients_to_send_documents() {
    let service = service();
    let answer = send(&service, None, named(HASH)).await;
    assert_eq!((answer.code(), answer.message()), ("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported"));
    greets(&send(&service, Some(DOCUMENT), named(HASH)).await);
    greets(&send(&service, Some(DOCUMENT), json!({})).await);
}

#[tokio::test]
async fn a_request_without_a_document_is_rejected() {
    let service = storing(10_000);
    for (body, message) in [
        (json!({ "query": null }), "`query` must be a string."),
        (json!({ "extensions": { "trace": 1 } }), "`query` must be a string."),
        (json!({ "query": 1, "extensions": named(HASH) }), "`query` must be a string."),
        (json!({ "documentId": 1 }), "`documentId` must be a string."),
    ] {
        let answer = service.send(post_request().body(body.to_string().into()).unwrap()).await;
        assert_eq!((answer.status, answer.message()), (StatusCode::BAD_REQUEST, message), "{body}");
    }
    let server = Server::start(service);
    let mut socket = server.accepted(json!({})).await;
    socket.say(json!({ "type": "subscribe", "id": "1", "payload": {} })).await;
    assert_eq!(socket.closed().await.0, 4400);
}

fn hash_of(document: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, document.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
