//! Fuzz tests: every response is JSON, and never an internal error. The examples are the same in each run.

use axum::http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

use crate::schema::{Service, service};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, rng_seed: RngSeed::Fixed(0), ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (status, answer) = ask(service(), body);
        prop_assert!(status.is_client_error());
        prop_assert!(answer["errors"][0]["extensions"]["code"].is_string());
    }

    #[test]
    fn random_members_are_answered(
        query in ".{0,60}",
        name in proptest::option::of(".{0,10}"),
        variables in proptest::option::of(proptest::collection::btree_map("[a-z#_$]{0,5}", ".{0,20}", 0..4)),
    ) {
        let body = json!({ "query": query, "operationName": name, "variables": variables }).to_string();
        let (status, answer) = ask(service(), body.into_bytes());
        prop_assert!(status == StatusCode::OK);
        prop_assert!(answer["errors"][0]["extensions"]["code"].is_string() || answer["data"].is_object());
    }

    #[test]
    fn random_documents_are_answered(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "(", ")", "[", "]", "\"", "\"\"\"", "\\", "#", "\n", "...", "...F", "on", "fragment", "F",
                "query", "mutation", "subscription", "login", "greeting", "tree", "leaf", ":", "$a", "@skip", "if", "true", "7", "null",
            ]),
            0..80,
        ),
    ) {
        let body = json!({ "query": pieces.join(" ") }).to_string();
        let (status, answer) = ask(service(), body.into_bytes());
        prop_assert!(status == StatusCode::OK);
        prop_assert!(answer["errors"][0]["extensions"]["code"].is_string() || answer["data"].is_object());
    }
}

fn ask(service: Service, body: Vec<u8>) -> (StatusCode, serde_json::Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let answer = runtime.block_on(service.post(body));
    (answer.status, answer.body)
}
