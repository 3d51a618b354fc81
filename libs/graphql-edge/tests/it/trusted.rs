//! Trusted documents in a file, and services that execute no others.

use std::path::PathBuf;

use axum::body::Body;
use graphql_edge::{AllowedDocuments, Settings, TrustedDocuments};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{
    schema::{Service, limits, post_request, service_configured},
    socket::Server,
};

const GREETING: &str = "{ greeting }";
const GREETING_HASH: &str = "bc7db27b307b3ea2423be5f9d033565fc5a1b3771e6585f81dbdd255ceb6d760";
/// Hash of a single open brace.
const BROKEN_HASH: &str = "021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96";
const CALLER: &str = "{ caller }";

fn read(content: &str) -> Result<TrustedDocuments, String> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("documents.json");
    std::fs::write(&file, content).unwrap();
    TrustedDocuments::read(file)
}

fn trusting(allowed_documents: AllowedDocuments) -> Service {
    let trusted_documents = read(&json!({ GREETING_HASH: GREETING }).to_string()).unwrap();
    let settings = Settings { trusted_documents, allowed_documents, ..Settings::default() };
    service_configured(limits(), settings.trusting([CALLER]))
}

fn named(hash: &str) -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } })
}

#[tokio::test]
async fn a_trusted_document_can_be_named_by_its_hash_at_once() {
    for allowed in [AllowedDocuments::Any, AllowedDocuments::Trusted] {
        let service = trusting(allowed);
        let answer = service.post(named(GREETING_HASH).to_string()).await;
        assert_eq!(answer.body, json!({ "data": { "greeting": "Hello, " } }));
        let by_id = json!({ "documentId": format!("sha256:{GREETING_HASH}") });
        assert_eq!(service.post(by_id.to_string()).await.body, answer.body);
    }
}

#[tokio::test]
async fn no_other_document_is_executed_if_only_trusted_ones_are_allowed() {
    let service = trusting(AllowedDocuments::Trusted);
    for _ in 0..2 {
        assert_eq!(service.query(GREETING).await.body, json!({ "data": { "greeting": "Hello, " } }));
        assert_eq!(service.query(CALLER).await.body, json!({ "data": { "caller": "http" } }));
        for document in ["{ greeting  }", "mutation { refresh }", "{ __schema { types { name } } }", "{", ""] {
            assert_eq!(service.query(document).await.code(), "DOCUMENT_NOT_TRUSTED", "{document}");
        }
    }
    assert_eq!(service.post(named("0").to_string()).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(service.executed.count(), 0);
}

#[tokio::test]
async fn a_document_that_is_not_trusted_is_not_stored_either() {
    let settings = Settings {
        stored_documents_bytes: 10_000,
        allowed_documents: AllowedDocuments::Trusted,
        ..Settings::default()
    };
    let service = service_configured(limits(), settings);
    let mut body = named(GREETING_HASH);
    body["query"] = json!(GREETING);
    assert_eq!(service.post(body.to_string()).await.code(), "DOCUMENT_NOT_TRUSTED");
    assert_eq!(service.post(named(GREETING_HASH).to_string()).await.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn sockets_and_event_streams_execute_no_other_document_either() {
    let service = trusting(AllowedDocuments::Trusted);
    let events = post_request().header("accept", "text/event-stream");
    let body = json!({ "query": "mutation { refresh }" }).to_string();
    let answer = service.router.clone().oneshot(events.body(Body::from(body)).unwrap()).await.unwrap();
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("DOCUMENT_NOT_TRUSTED"));
    let executed = service.executed.clone();
    let server = Server::start(service);
    let mut socket = server.accepted(json!({})).await;
    socket.subscribe("1", "mutation { refresh }").await;
    assert_eq!(socket.recv().await["payload"][0]["extensions"]["code"], "DOCUMENT_NOT_TRUSTED");
    socket.subscribe("2", CALLER).await;
    assert_eq!(socket.recv().await["payload"], json!({ "data": { "caller": "socket" } }));
    assert_eq!(executed.count(), 0);
}

#[test]
fn a_manifest_of_apollos_tools_is_read() {
    let operation = json!({ "id": GREETING_HASH, "name": "Greeting", "type": "query", "body": GREETING });
    let manifest = json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation] });
    let documents = read(&manifest.to_string()).unwrap();
    assert!(format!("{documents:?}").contains("documents: 1"));
}

#[test]
fn a_malformed_file_is_rejected_with_a_message() {
    for (content, complaint) in [
        ("[]".to_owned(), "must be a JSON object"),
        (json!({ GREETING_HASH: 1 }).to_string(), "must be a JSON object"),
        (json!({ GREETING_HASH: CALLER }).to_string(), "is not the SHA-256 of its document"),
        (json!({ GREETING_HASH.to_uppercase(): GREETING }).to_string(), "is not the SHA-256 of its document"),
        (json!({ BROKEN_HASH: "{" }).to_string(), "is not a document"),
    ] {
        let error = read(&content).unwrap_err();
        assert!(error.contains(complaint), "{content}: {error}");
    }
    let error = TrustedDocuments::read(PathBuf::from("/nowhere/documents.json")).unwrap_err();
    assert!(error.starts_with("cannot be read: "), "{error}");
    assert_eq!(TrustedDocuments::read(PathBuf::new()).unwrap().file(), PathBuf::new());
}
