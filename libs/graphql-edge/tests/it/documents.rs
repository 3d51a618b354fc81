//! Limits on documents and on credential operations, and the cache of documents.

use graphql_edge::Limits;
use serde_json::json;

use crate::schema::{limits, service, service_with};

/// The introspection query of graphql-js 16, which tools send.
const INTROSPECTION: &str = include_str!("introspection.graphql");

#[tokio::test]
async fn a_document_may_name_one_credential_operation() {
    let service = service();
    let one = "mutation { first: login(password: \"right\") }";
    assert_eq!(service.query(one).await.body, json!({ "data": { "first": true } }));
    assert_eq!(service.executed.count(), 1);
}

#[tokio::test]
async fn a_second_password_is_not_tried_even_if_it_is_hidden_in_fragments() {
    let service = service();
    for document in [
        "mutation { a: login(password: \"1\") b: login(password: \"2\") }",
        "mutation { login(password: \"1\") refresh }",
        "mutation { login(password: \"1\") ... { b: login(password: \"2\") } }",
        "mutation { login(password: \"1\") ... on Mutation { ... on Mutation { b: login(password: \"2\") } } }",
        "mutation { login(password: \"1\") ...F } fragment F on Mutation { b: login(password: \"2\") }",
        "mutation { ...F ...F } fragment F on Mutation { login(password: \"1\") }",
        "mutation { ...F } fragment F on Mutation { login(password: \"1\") ...G } fragment G on Mutation { refresh }",
        "mutation A { login(password: \"1\") } mutation B { login(password: \"2\") }",
        "mutation { login(password: \"1\") b: login(password: \"2\") @skip(if: true) }",
    ] {
        let answer = service.query(document).await;
        assert_eq!(answer.code(), "LIMIT_EXCEEDED", "{document}");
    }
    assert_eq!(service.executed.count(), 0);
}

#[tokio::test]
async fn a_nested_field_of_the_same_name_is_not_a_credential_operation() {
    let document = "{ tree { login ...F tree { login } } } fragment F on Tree { again: login }";
    assert_eq!(service().query(document).await.body.get("errors"), None);
}

#[tokio::test]
async fn a_document_at_each_limit_is_accepted_and_one_beyond_it_is_rejected() {
    let spread = |times: usize| format!("{{ {} }} fragment F on Query {{ tree {{ leaf }} }}", "...F ".repeat(times));
    let aliases: fn(usize) -> String =
        |times| format!("{{ tree {{ {} }} }}", (0..times).map(|n| format!("a{n}: leaf ")).collect::<String>());
    let fields = |times: usize| format!("{{ {} }}", "greeting ".repeat(times));
    let below = |times: usize| format!("{{ tree {{ {} }} }}", "leaf ".repeat(times - 1));
    let nested = |times: usize| format!("{}leaf{}", "{ tree ".repeat(times - 1) + "{ ", " }".repeat(times));
    let small = Limits { tokens: 30, nesting: 8, selections: 12, aliases: 4, root_fields: 5, ..limits() };
    for (what, most, document) in [
        ("aliases", 4, &aliases as &dyn Fn(usize) -> String),
        ("root fields", 5, &fields),
        ("selections", 12, &below),
        ("spread selections", 4, &spread),
        ("brackets", 8, &nested),
        ("tokens", 30, &|times| format!("{{ tree {{ {} }} }}", "leaf ".repeat(times - 5))),
    ] {
        let service = match what {
            "tokens" => service_with(Limits { selections: 100, ..small }),
            "brackets" => service_with(Limits { nesting: 8, ..limits() }),
            _ => service_with(small),
        };
        let last = service.query(&document(most)).await;
        assert_eq!(last.body.get("errors"), None, "{what}");
        let next = service.query(&document(most + 1)).await;
        assert_eq!(next.code(), "LIMIT_EXCEEDED", "{what}: {}", next.body);
    }
}

#[tokio::test]
async fn fragments_that_would_expand_without_end_are_rejected_at_once() {
    // Ten spreads in each of thirty fragments expand to ten to the power of thirty selections.
    let fragments: String =
        (0..30).map(|n| format!("fragment F{n} on Query {{ {} }} ", format!("...F{} ", n + 1).repeat(10))).collect();
    let document = format!("{{ ...F0 }} {fragments} fragment F30 on Query {{ tree {{ leaf }} }}");
    assert_eq!(service().query(&document).await.code(), "LIMIT_EXCEEDED");
}

#[tokio::test]
async fn a_fragment_that_contains_itself_is_rejected() {
    for document in [
        "{ ...F } fragment F on Query { ...F }",
        "{ ...F } fragment F on Query { tree { ...G } } fragment G on Tree { tree { ...G } }",
        "{ ...F } fragment F on Query { ...G ...G } fragment G on Query { ...F ...F }",
        "{ greeting } fragment F on Query { ...F }",
    ] {
        assert_eq!(service().query(document).await.code(), "GRAPHQL_VALIDATION_FAILED", "{document}");
    }
}

/// The stack of async-graphql overflowed.
#[tokio::test]
async fn rustsec_2022_0037_a_long_chain_of_fragments_is_refused() {
    let chain: String = (0..200).map(|n| format!("fragment F{n} on Query {{ ...F{} }} ", n + 1)).collect();
    let document = format!("{{ ...F0 }} {chain} fragment F200 on Query {{ greeting }}");
    assert_eq!(service().query(&document).await.code(), "LIMIT_EXCEEDED");
}

#[tokio::test]
async fn brackets_that_seem_to_be_in_a_string_are_counted() {
    let open = "[".repeat(60);
    for (document, code) in [
        (format!("{{ a(x: {open}"), "LIMIT_EXCEEDED"),
        (format!("{{ a(x: [\"\"\" {open}"), "GRAPHQL_PARSE_FAILED"),
        (format!("{{ a(x: [\"\"\" \" {open}"), "LIMIT_EXCEEDED"),
        (format!("{{ a(x: [\"\"\"\" {open}"), "LIMIT_EXCEEDED"),
        (format!("{{ a(x: [\"\" \"\"\" \" {open}"), "LIMIT_EXCEEDED"),
        (format!("{{ a(x: [\"\\\"\" {open}"), "LIMIT_EXCEEDED"),
        (format!("{{ # \"\n a(x: {open}"), "LIMIT_EXCEEDED"),
        (format!("{{ # \"\r a(x: {open}"), "LIMIT_EXCEEDED"),
        (format!("{{ # {open} \n greeting }}"), "no code"),
        (format!("{{ greeting(name: \"{open}\") }}"), "no code"),
        (format!("{{ greeting(name: \"\"\" \" {open} \\\"\"\" \"\"\") }}"), "no code"),
    ] {
        assert_eq!(service().query(&document).await.code(), code, "{document}");
    }
}

#[tokio::test]
async fn the_introspection_query_of_common_tools_is_accepted() {
    let answer = service().query(INTROSPECTION).await;
    assert_eq!(answer.body.get("errors"), None);
    assert_eq!(answer.body["data"]["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn a_document_is_cached_once_and_its_results_stay_the_same() {
    let service = service();
    let document = "query($name: String) { greeting(name: $name) }";
    for name in ["Ada", "Grace"] {
        let answer = service.post(json!({ "query": document, "variables": { "name": name } }).to_string()).await;
        assert_eq!(answer.body, json!({ "data": { "greeting": format!("Hello, {name}") } }));
    }
    assert_eq!(service.edge.remembered_documents(), 1);
}

#[tokio::test]
async fn a_document_that_may_contain_a_secret_or_is_rejected_or_long_is_not_cached() {
    let service = service_with(Limits { cached_document_bytes: 40, ..limits() });
    for document in [
        "mutation { login(password: \"hunter2\") }",
        "{ greeting(name: \"\"\"x\"\"\") }",
        "{",
        "mutation { a: refresh b: refresh }",
        "{ greeting greeting greeting greeting greeting }",
    ] {
        service.query(document).await;
        assert_eq!(service.edge.remembered_documents(), 0, "{document}");
    }
}

#[tokio::test]
async fn the_cache_of_documents_is_bounded() {
    let service = service_with(Limits { document_cache_bytes: 64 * 1024, ..limits() });
    for n in 0..2000 {
        service.query(&format!("{{ name{n}: greeting }}")).await;
    }
    // An entry weighs its 22 bytes of text and 64 more.
    assert!((100..=800).contains(&service.edge.remembered_documents()), "{}", service.edge.remembered_documents());
}
