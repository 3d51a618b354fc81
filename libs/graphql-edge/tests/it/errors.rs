//! Every error has a code, and does not reveal internal details.

use async_graphql::{Executor, Request};
use serde_json::json;

use crate::schema::service;

#[tokio::test]
async fn an_argument_that_a_resolver_rejects_has_a_code() {
    let answer = service().query(r#"{ short(text: "too long") }"#).await;
    assert_eq!(answer.code(), "VALIDATION_FAILED");
    assert_eq!(answer.body["errors"][0]["path"], json!(["short"]));
}

#[tokio::test]
async fn the_code_of_a_resolver_is_kept() {
    assert_eq!(service().query("{ coded }").await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn an_internal_error_reveals_nothing() {
    let answer = service().query("{ leak }").await;
    assert_eq!((answer.code(), answer.message()), ("INTERNAL", "Internal error"));
    assert!(!answer.body.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_limit_of_the_schema_has_the_code_limit_exceeded() {
    for document in
        [nested("tree", 16), format!("{{ tree {{ {} }} }}", "leaf ".repeat(300)), nested("... on Query", 40)]
    {
        let answer = service().query(&document).await;
        assert_eq!(answer.code(), "LIMIT_EXCEEDED", "{document}: {}", answer.body);
    }
}

/// GHSA-5gc2-7c65-8fq8: async-graphql applied any number of directives.
#[tokio::test]
async fn cve_2024_47614_a_field_can_have_only_a_few_directives() {
    let overloaded = |count| format!("{{ greeting {} }}", "@skip(if: false) ".repeat(count));
    let two = service().query("{ greeting @skip(if: false) @include(if: true) }").await;
    assert_eq!(two.body["data"]["greeting"], "Hello, ");
    for count in [6, 300, 1_000] {
        assert_eq!(service().query(&overloaded(count)).await.code(), "LIMIT_EXCEEDED", "{count}");
    }
}

#[tokio::test]
async fn an_error_of_async_graphql_keeps_its_message_and_gets_a_code() {
    let answer = service().query("{ greeting(name: 7) nothing }").await;
    let errors = answer.body["errors"].as_array().unwrap();
    assert!(errors.len() > 1);
    for error in errors {
        assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        assert!(error["locations"][0]["line"].is_number());
    }
}

#[tokio::test]
async fn of_many_errors_only_the_first_are_reported() {
    let fields: String = (0..100).map(|n| format!("nothing{n} ")).collect();
    let answer = service().query(&format!("{{ tree {{ {fields} }} }}")).await;
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn another_transport_has_the_same_checks_and_codes() {
    let service = service();
    let response = service.edge.execute(Request::new("mutation { a: refresh b: refresh }")).await;
    let error = serde_json::to_value(&response.errors[0]).unwrap();
    assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED");
    assert_eq!(service.executed.count(), 0);
}

fn nested(selection: &str, levels: usize) -> String {
    let inner = if selection == "tree" { "leaf" } else { "greeting" };
    format!("{}{inner}{}", format!("{{ {selection} ").repeat(levels) + "{ ", " }".repeat(levels + 1))
}
