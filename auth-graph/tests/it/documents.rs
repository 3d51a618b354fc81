//! Documents that are executed, and their forms: by POST or GET, as text or by hash.

use auth_graph::configuration;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use engine::accounts::Rank;
use model::config::{Config, Sources};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{PASSWORD, TestApp, operation};

const ME: &str = operation!("me");
const ANOTHER: &str = "{ me { email } }";

fn load(settings: &[(&str, &str)]) -> Result<Config, String> {
    let flags = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    configuration::load(&Sources { flags, ..Sources::default() }).map_err(|problems| problems.to_string())
}

async fn with(settings: &[(&str, &str)]) -> TestApp {
    let graphql = load(settings).unwrap().graphql;
    TestApp::with(|config| config.graphql = graphql).await
}

fn by_get(document: &str) -> Request<Body> {
    let query = url::form_urlencoded::byte_serialize(document.as_bytes()).collect::<String>();
    Request::get(format!("/graphql?query={query}")).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_query_is_answered_by_get_only_if_it_is_configured() {
    let test = with(&[("graphql.queries_by_get", "true")]).await;
    let ada = test.signed_in("ada@example.com", Rank::User).await;
    let answer = ada.caller.request(by_get(ANOTHER)).await;
    assert_eq!(answer.body, json!({ "data": { "me": { "email": "ada@example.com" } } }));
    let usual = TestApp::new().await.anonymous().request(by_get(ANOTHER)).await;
    assert_eq!((usual.status, usual.code()), (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn a_mutation_is_never_executed_by_get() {
    let test = with(&[("graphql.queries_by_get", "true")]).await;
    test.create_user("ada@example.com").await;
    let document = format!(
        "mutation {{ login(input: {{ email: \"ada@example.com\", password: \"{PASSWORD}\" }}) {{ __typename }} }}"
    );
    let answer = test.anonymous().request(by_get(&document)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn the_documents_of_our_clients_are_always_trusted() {
    let test = with(&[("graphql.allowed_documents", "trusted")]).await;
    let ada = test.signed_in("ada@example.com", Rank::User).await;
    assert_eq!(ada.caller.me().await.data("me")["email"], "ada@example.com");
    assert_eq!(ada.caller.send(ANOTHER, json!({})).await.code(), "DOCUMENT_NOT_TRUSTED");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/operations");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let answer = test.anonymous().send(&text, json!({})).await;
        assert!(!answer.text.contains("DOCUMENT_NOT_TRUSTED"), "{text}");
    }
}

#[tokio::test]
async fn a_file_adds_documents_that_can_be_named_by_their_hash() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("documents.json");
    // As sha256sum prints it.
    let hash = "3140979f17b35a6daafad1e0b1a7f99db172c969de8093129d1664d2608ac383";
    std::fs::write(&file, json!({ hash: ANOTHER }).to_string()).unwrap();
    let file = file.to_str().unwrap();
    let test = with(&[("graphql.allowed_documents", "trusted"), ("graphql.trusted_documents", file)]).await;
    let ada = test.signed_in("ada@example.com", Rank::User).await;
    let body = json!({ "documentId": format!("sha256:{hash}") }).to_string();
    let request = Request::post("/graphql").header("content-type", "application/json").body(body.into()).unwrap();
    assert_eq!(ada.caller.request(request).await.data("me")["email"], "ada@example.com");
    assert_eq!(ada.caller.send(ANOTHER, json!({})).await.data("me")["email"], "ada@example.com");
    assert_eq!(ada.caller.send(ME, json!({})).await.data("me")["email"], "ada@example.com");
}

#[test]
fn an_invalid_file_is_a_problem_of_the_configuration() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("documents.json");
    std::fs::write(&file, json!({ "0": ANOTHER }).to_string()).unwrap();
    for file in [file.to_str().unwrap(), "/nowhere/documents.json"] {
        let problems = load(&[("graphql.trusted_documents", file)]).unwrap_err();
        assert!(problems.contains("graphql.trusted_documents: "), "{problems}");
    }
}
