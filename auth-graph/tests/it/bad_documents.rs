//! Requests that are too large or forbidden are rejected with a code, before any work is done.

use axum::http::{Request, StatusCode};
use engine::accounts::Rank;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn vilnacrm_315_and_opencti_6898_thirty_log_ins_in_one_document_are_rejected() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    let before = test.app.passwords.pool.computed();
    let login =
        |alias: usize| format!("a{alias}: login(input: {{email: \"ada@test.com\", password: \"x\"}}) {{ __typename }}");
    let aliased: String = (0..30).map(login).collect();
    let two: String = (0..2).map(login).collect();
    for document in [
        format!("mutation {{ {aliased} }}"),
        format!("mutation {{ {two} }}"),
        format!(
            "mutation {{ ...A ...B }} fragment A on Mutation {{ {} }} fragment B on Mutation {{ {} }}",
            login(0),
            login(1)
        ),
        format!("mutation {{ {} r: refresh(refreshToken: \"x\") {{ tokenType }} }}", login(0)),
        format!("mutation {{ ... {{ {} }} ... on Mutation {{ {} }} }}", login(0), login(1)),
    ] {
        assert_eq!(test.anonymous().send(&document, json!({})).await.code(), "LIMIT_EXCEEDED", "{document}");
    }
    assert_eq!(test.app.passwords.pool.computed(), before);
}

#[tokio::test]
async fn deep_wide_and_recursive_documents_are_refused() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("root@test.com", Rank::Superuser).await;
    let deep = format!("{{ __schema {{ types {} name {} }} }}", "{ fields { type ".repeat(20), "} }".repeat(20));
    let wide: String = (0..200).map(|alias| format!("a{alias}: __typename ")).collect();
    let many: String = (0..40).map(|alias| format!("a{alias}: me {{ id }} ")).collect();
    for document in [deep, format!("{{ {wide} }}"), format!("{{ {many} }}")] {
        let answer = signed_in.caller.send(&document, json!({})).await;
        assert_eq!(answer.code(), "LIMIT_EXCEEDED", "{document}");
    }
    let circle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
    let answer = signed_in.caller.send(circle, json!({})).await;
    let code = answer.error()["extensions"]["code"].as_str().unwrap();
    assert!(["GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED"].contains(&code), "{code}");
}

#[tokio::test]
async fn mutations_by_get_and_bodies_that_are_not_json_are_refused() {
    let test = TestApp::new().await;
    let caller = test.anonymous();
    let get = caller.get("/graphql?query=mutation{logout{revokedSessions}}").await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    let body = r#"{"query":"{__typename}"}"#;
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"]
    {
        let post = Request::post("/graphql").header("content-type", content_type).body(body.into()).unwrap();
        let answer = caller.request(post).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        assert_eq!(answer.code(), "UNSUPPORTED_MEDIA_TYPE");
    }
}

#[tokio::test]
async fn broken_batched_and_oversized_bodies_have_a_code() {
    let test = TestApp::new().await;
    let huge = format!(r#"{{"query":"{{__typename}}","variables":{{"x":"{}"}}}}"#, "x".repeat(140_000));
    for (body, code) in [
        ("", "BAD_REQUEST"),
        ("{", "BAD_REQUEST"),
        ("null", "BAD_REQUEST"),
        (r#"[{"query":"{__typename}"}]"#, "BAD_REQUEST"),
        (r#"{"query":1}"#, "BAD_REQUEST"),
        (r#"{"query":"{"}"#, "GRAPHQL_PARSE_FAILED"),
        (r#"{"query":"{ nothing }"}"#, "GRAPHQL_VALIDATION_FAILED"),
        (r#"{"query":"{ me { password } }"}"#, "GRAPHQL_VALIDATION_FAILED"),
        (&huge, "PAYLOAD_TOO_LARGE"),
    ] {
        let post = Request::post("/graphql").header("content-type", "application/json");
        let answer = test.anonymous().request(post.body(body.to_owned().into()).unwrap()).await;
        assert_eq!(answer.code(), code);
        assert!(answer.status.is_client_error() || answer.status == StatusCode::OK);
    }
}

#[tokio::test]
async fn production_neither_shows_its_schema_nor_suggests_names() {
    let test = TestApp::with(|config| config.profile = model::config::Profile::Production).await;
    let answer = test.anonymous().send("{ __schema { types { name } } }", json!({})).await;
    assert!(!answer.text.contains("TokenPair"), "{}", answer.text);
    let answer = test.anonymous().send("{ mee { id } }", json!({})).await;
    assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED");
    assert!(!answer.text.contains("Did you mean"), "{}", answer.text);
    assert_eq!(test.anonymous().get("/").await.status, StatusCode::NOT_FOUND);
}
