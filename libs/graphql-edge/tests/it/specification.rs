//! Where async-graphql differs from the specification of GraphQL, the edge makes up for it.

use std::sync::{Arc, Mutex};

use graphql_edge::{Introspection, Settings, TrustedDocuments};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::schema::{Service, limits, service, service_configured};

#[tokio::test]
async fn an_object_whose_fields_are_all_skipped_is_empty_and_not_null() {
    let service = service();
    for (document, expected) in [
        ("query($a: Boolean!) { greeting @skip(if: $a) }", json!({})),
        ("query($a: Boolean!) { greeting @skip(if: $a) twice(number: 1) @skip(if: $a) }", json!({})),
        ("query($a: Boolean!) { ... @skip(if: $a) { greeting } }", json!({})),
        ("query($a: Boolean!) { ... { greeting @skip(if: $a) } }", json!({})),
        ("query($a: Boolean!) { ...F } fragment F on Query { greeting @skip(if: $a) }", json!({})),
        ("query($a: Boolean!) { ...F @skip(if: $a) } fragment F on Query { greeting }", json!({})),
        ("query($a: Boolean!) { tree { leaf @skip(if: $a) } }", json!({ "tree": {} })),
        ("query($a: Boolean!) { tree { tree { leaf @skip(if: $a) } } }", json!({ "tree": { "tree": {} } })),
        ("query($a: Boolean!) { tree { leaf @skip(if: $a) } greeting @skip(if: $a) }", json!({ "tree": {} })),
        (
            "query($a: Boolean!) { greeting @include(if: $a) twice(number: 1) @skip(if: $a) }",
            json!({ "greeting": "Hello, " }),
        ),
        ("mutation($a: Boolean!) { refresh @skip(if: $a) }", json!({})),
        ("query A($a: Boolean!) { greeting @skip(if: $a) } query B { greeting }", json!({})),
    ] {
        // The second time, the document is in the cache.
        for _ in 0..2 {
            let body = json!({ "query": document, "variables": { "a": true }, "operationName": operation(document) });
            assert_eq!(service.post(body.to_string()).await.body, json!({ "data": expected }), "{document}");
        }
    }
    assert_eq!(service.executed.count(), 0);
}

fn operation(document: &str) -> Option<&str> {
    document.contains("query A").then_some("A")
}

#[tokio::test]
async fn an_object_whose_fields_have_failed_stays_null() {
    let answer = service().query("{ coded @skip(if: false) }").await;
    assert_eq!((answer.code(), &answer.body["data"]), ("NOT_FOUND", &Value::Null));
    assert!(!answer.body.to_string().contains("__"), "{}", answer.body);
    let answer = service().query("{ coded @skip(if: false) tree { leaf @skip(if: true) } }").await;
    assert_eq!(answer.body["data"], json!({ "tree": {} }), "{}", answer.body);
}

#[tokio::test]
async fn a_subscription_with_skipped_fields_is_validated_as_it_was_sent() {
    let answer = service().query("subscription { count(to: 1) @skip(if: false) }").await;
    assert!(!answer.body.to_string().contains("__"), "{}", answer.body);
}

#[tokio::test]
async fn escapes_of_every_character_are_read() {
    let service = service();
    for (literal, expected) in [
        (r#""\u{1F600}""#, "😀"),
        (r#""\ud83d\ude00""#, "😀"),
        (r#""\uD83D\uDE00\u{e9}\u00e9""#, "😀éé"),
        (r#""\u{22}\u{5C}\u{A}""#, "\"\\\n"),
        (r#""""\u{1F600}""""#, r"\u{1F600}"),
    ] {
        let answer = service.query(&format!("{{ greeting(name: {literal}) }}")).await;
        assert_eq!(answer.body["data"]["greeting"], format!("Hello, {expected}"), "{literal}: {}", answer.body);
    }
    for literal in [r#""\ud83d""#, r#""\ude00""#, r#""\u{110000}""#, r#""\u{d800}""#, r#""\u{}""#, r#""\u{1F600""#] {
        let answer = service.query(&format!("{{ greeting(name: {literal}) }}")).await;
        assert_eq!(answer.code(), "GRAPHQL_PARSE_FAILED", "{literal}");
    }
    let answer = service.query(r#"{ a: greeting(name: "\u{1F600}") nothing }"#).await;
    assert_eq!(answer.body["errors"][0]["locations"], json!([{ "line": 1, "column": 34 }]), "{}", answer.body);
}

#[tokio::test]
async fn a_syntax_error_names_its_place_and_repeats_nothing_of_the_document() {
    for document in [
        r#"mutation { login(password: "hunter2secret") } }"#,
        r#"mutation { login(password: "hunter2secret" }"#,
        r#"mutation { login(password: "hunter2secret) }"#,
        "{ greeting(name: hunter2secret:) }",
        "{ greeting(name: 1hunter2secret) }",
        "hunter2secret",
    ] {
        let answer = service().query(document).await;
        assert_eq!(answer.code(), "GRAPHQL_PARSE_FAILED", "{document}");
        assert!(answer.message().starts_with("The document has a syntax error at line 1, column "), "{document}");
        assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
        assert!(answer.body["errors"][0]["locations"][0]["column"].is_number());
    }
}

#[tokio::test]
async fn an_unused_variable_is_rejected() {
    for document in ["query($a: String) { greeting }", "query A($a: Int) { ...F } fragment F on Query { greeting }"] {
        assert_eq!(service().query(document).await.code(), "GRAPHQL_VALIDATION_FAILED", "{document}");
    }
}

fn with_introspection(introspection: Introspection) -> Service {
    service_configured(limits(), Settings { introspection, ..Settings::default() })
}

#[tokio::test]
async fn introspection_is_an_error_where_it_is_off() {
    let service = with_introspection(Introspection::Off);
    for document in [
        "{ __schema { queryType { name } } }",
        "{ greeting ...F } fragment F on Query { ... { type: __type(name: \"Tree\") { name } } }",
        include_str!("introspection.graphql"),
    ] {
        let answer = service.query(document).await;
        let error = &answer.body["errors"][0];
        assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED", "{}", answer.body);
        assert_eq!(error["extensions"]["reason"], "INTROSPECTION_DISABLED");
        assert!(answer.body.get("data").is_none() && error["locations"][0]["line"].is_number());
    }
    assert_eq!(service.query("{ __typename }").await.body, json!({ "data": { "__typename": "Query" } }));
    assert!(!service.query("{ greetin }").await.body.to_string().contains("greeting"), "no name is suggested");
    let on = self::service().query("{ __schema { queryType { name } } }").await;
    assert_eq!(on.body["data"]["__schema"]["queryType"]["name"], "Query");
    let undecided = with_introspection(Introspection::Auto).query("{ __schema { queryType { name } } }").await;
    assert_eq!(undecided.body["errors"][0]["extensions"]["reason"], "INTROSPECTION_DISABLED");
}

#[tokio::test]
async fn every_error_that_is_sent_is_counted_by_its_code() {
    let counted: Arc<Mutex<Vec<String>>> = Arc::default();
    let codes = Arc::clone(&counted);
    let service = service().counting(move |code| codes.lock().unwrap().push(code.to_owned()));
    service.query("{ greeting }").await;
    service.query("{ coded nothing: coded }").await;
    service.query("{").await;
    service.query("{ nothing }").await;
    service.post("[]").await;
    let counted = counted.lock().unwrap().join(" ");
    assert_eq!(counted, "NOT_FOUND NOT_FOUND GRAPHQL_PARSE_FAILED GRAPHQL_VALIDATION_FAILED BAD_REQUEST");
}

#[tokio::test]
async fn a_hash_in_the_file_of_trusted_documents_may_have_its_prefix() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("documents.json");
    let hash = "bc7db27b307b3ea2423be5f9d033565fc5a1b3771e6585f81dbdd255ceb6d760";
    for key in [hash.to_owned(), format!("sha256:{hash}")] {
        std::fs::write(&file, json!({ key: "{ greeting }" }).to_string()).unwrap();
        let trusted_documents = TrustedDocuments::read(file.clone()).unwrap();
        let service = service_configured(limits(), Settings { trusted_documents, ..Settings::default() });
        for id in [hash.to_owned(), format!("sha256:{hash}")] {
            let answer = service.post(json!({ "documentId": id }).to_string()).await;
            assert_eq!(answer.body, json!({ "data": { "greeting": "Hello, " } }));
        }
    }
    std::fs::write(&file, json!({ format!("sha1:{hash}"): "{ greeting }" }).to_string()).unwrap();
    assert!(TrustedDocuments::read(file).unwrap_err().contains("SHA-256"));
}
