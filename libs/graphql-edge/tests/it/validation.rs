//! A document that was valid once is not validated in full again, without an effect on its results.

use serde_json::{Value, json};

use crate::schema::{Answer, Service, service};

async fn ask(service: &Service, document: &str, variables: &Value, operation: Option<&str>) -> Answer {
    let body = json!({ "query": document, "variables": variables, "operationName": operation });
    service.post(body.to_string()).await
}

#[tokio::test]
async fn a_repeated_document_has_the_same_result_as_a_new_one() {
    let cases = [
        (
            "query Greet($name: String) { greeting(name: $name) }",
            json!({ "name": "Ada" }),
            vec![json!({ "name": 5 }), json!({ "name": null }), json!({ "name": ["Ada"] }), json!({}), json!(null)],
        ),
        (
            "query Greet($yes: Boolean!) { greeting @include(if: $yes) short(text: \"a\") @skip(if: $yes) }",
            json!({ "yes": true }),
            vec![json!({ "yes": false }), json!({ "yes": "true" }), json!({ "yes": null }), json!({})],
        ),
        (
            "query Short($text: String!) { short(text: $text) }",
            json!({ "text": "abc" }),
            vec![json!({ "text": "abcd" }), json!({ "text": 123 }), json!({ "text": null }), json!({ "other": "abc" })],
        ),
        (
            "query Twice($number: Int!) { twice(number: $number) }",
            json!({ "number": 2 }),
            vec![json!({ "number": 3_000_000_000_u64 }), json!({ "number": "2" }), json!({ "number": 2.5 })],
        ),
        (
            "query Named($representations: [_Any!]!) { named(representations: $representations) }",
            json!({ "representations": [{ "__typename": "User", "id": "1" }] }),
            vec![
                json!({ "representations": [{ "id": "2" }, 5, [null]] }),
                json!({ "representations": [] }),
                json!({ "representations": [{ "id": "2" }, null] }),
                json!({ "representations": { "id": "2" } }),
                json!({ "representations": null }),
                json!({}),
            ],
        ),
        (
            "query Greet($name: String = \"Eve\") { greeting(name: $name) }",
            json!({ "name": "Ada" }),
            vec![json!({}), json!({ "name": 5 })],
        ),
    ];
    for (document, good, others) in cases {
        let seasoned = service();
        for _ in 0..3 {
            assert_eq!(ask(&seasoned, document, &good, None).await.body.get("errors"), None, "{document}");
        }
        for variables in others {
            let (again, new) =
                (ask(&seasoned, document, &variables, None).await, ask(&service(), document, &variables, None).await);
            assert_eq!((again.status, again.body), (new.status, new.body), "{document} {variables}");
        }
    }
}

#[tokio::test]
async fn an_invalid_document_is_rejected_each_time() {
    let service = service();
    for document in ["query Q($name: String) { greeting(name: $name) nothing }", "query Q($name: String) { greeting }"]
    {
        for _ in 0..3 {
            let answer = ask(&service, document, &json!({ "name": "Ada" }), None).await;
            assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED", "{document}");
        }
    }
}

#[tokio::test]
async fn every_operation_of_a_document_is_validated() {
    let service = service();
    let document = "query A { greeting } query B { nothing }";
    for operation in ["A", "B", "A"] {
        let answer = ask(&service, document, &json!({}), Some(operation)).await;
        assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED", "{operation}");
    }
}
