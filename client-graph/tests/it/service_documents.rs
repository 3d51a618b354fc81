//! Documents that the client service executes, and their forms.

use axum::Router;
use axum::body::Body;
use client_graph::service::{App, Config, Sources, router};
use client_graph::testing::TestIssuer;
use serde_json::json;

use crate::support::{Answer, TestDatabase, ask, get, post};

const WHOAMI: &str = include_str!("../../operations/whoami.graphql");

pub struct Service {
    router: Router,
    _database: TestDatabase,
    _issuer: TestIssuer,
}

impl Service {
    pub async fn start(setting: Option<(&str, &str)>) -> Self {
        let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
        let mut flags = database.settings();
        flags.push(("auth.url".to_owned(), issuer.url().to_owned()));
        flags.extend(setting.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let app = App::boot(config, issuer.clock().clone()).await.unwrap();
        Self { router: router(&app), _database: database, _issuer: issuer }
    }

    async fn get(&self, query: &str) -> Answer {
        let query = query.replace('{', "%7B").replace('}', "%7D").replace(' ', "+");
        ask(&self.router, get(&format!("/graphql?query={query}")).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, query: &str) -> Answer {
        ask(&self.router, post("/graphql", &json!({ "query": query }))).await
    }
}

#[tokio::test]
async fn a_query_is_answered_by_get_only_if_it_is_configured() {
    assert_eq!(Service::start(None).await.get("{ whoami { subject } }").await.status, 405);
    let service = Service::start(Some(("graphql.queries_by_get", "true"))).await;
    assert_eq!(service.get("{ whoami { subject } }").await.body, json!({ "data": { "whoami": null } }));
    assert_eq!(service.get("mutation { addNote(input: {}) { note { id } } }").await.status, 405);
}

#[tokio::test]
async fn no_other_document_is_executed_if_only_trusted_ones_are_allowed() {
    let service = Service::start(Some(("graphql.allowed_documents", "trusted"))).await;
    assert_eq!(service.post(WHOAMI).await.body, json!({ "data": { "whoami": null } }));
    let refused = service.post("{ whoami { subject } }").await;
    assert_eq!(refused.body["errors"][0]["extensions"]["code"], "DOCUMENT_NOT_TRUSTED");
}
