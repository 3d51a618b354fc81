//! Queries by GET: off by default, and queries only.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use graphql_edge::{Limits, Settings};
use serde_json::json;

use crate::schema::{Answer, Service, limits, service, service_configured};

fn answering_get() -> Service {
    service_configured(limits(), Settings { queries_by_get: true, ..Settings::default() })
}

async fn get(service: &Service, parameters: &str) -> Answer {
    service.send(Request::get(format!("/graphql?{parameters}")).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_query_is_answered_and_the_response_must_not_be_cached() {
    let service = answering_get();
    let parameters = "query=query+B($name:String)%7Bb:greeting(name:$name)+caller%7D&operationName=B\
        &variables=%7B%22name%22:%22Ada+L.%22%7D&extensions=%7B%22trace%22:1%7D&somethingElse=1";
    let answer = get(&service, parameters).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, json!({ "data": { "b": "Hello, Ada L.", "caller": "http" } }));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_query_is_rejected_unless_it_is_configured() {
    let answer = get(&service(), "query=%7Bgreeting%7D").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!((answer.code(), answer.header("allow")), ("METHOD_NOT_ALLOWED", "POST"));
}

#[tokio::test]
async fn other_operations_than_queries_are_not_executed() {
    let service = answering_get();
    for parameters in [
        "query=mutation%7Brefresh%7D",
        "query=mutation+M%7Brefresh%7D&operationName=M",
        "query=query+Q%7Bgreeting%7D+mutation+M%7Brefresh%7D&operationName=M",
        "query=query+Q%7Bgreeting%7D+mutation+M%7Brefresh%7D",
        "query=subscription%7Bcount(to:1)%7D",
    ] {
        let answer = get(&service, parameters).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{parameters}");
        assert_eq!((answer.code(), answer.header("allow")), ("METHOD_NOT_ALLOWED", "POST"), "{parameters}");
    }
    assert_eq!(service.executed.count(), 0);
    let chosen = get(&service, "query=query+Q%7Bgreeting%7D+mutation+M%7Brefresh%7D&operationName=Q").await;
    assert_eq!(chosen.body, json!({ "data": { "greeting": "Hello, " } }));
}

#[tokio::test]
async fn malformed_parameters_are_rejected_with_a_code() {
    let small = Limits { body_bytes: 100, ..limits() };
    let service = service_configured(small, Settings { queries_by_get: true, ..Settings::default() });
    for (parameters, code) in [
        ("", "BAD_REQUEST"),
        ("operationName=Q", "BAD_REQUEST"),
        ("query=%7Bgreeting%7D&query=%7Bcaller%7D", "BAD_REQUEST"),
        ("query=%7Bgreeting%7D&variables=1", "BAD_REQUEST"),
        ("query=%7Bgreeting%7D&variables=%7B", "BAD_REQUEST"),
        ("query=%7Bgreeting%7D&extensions=%5B%5D", "BAD_REQUEST"),
        ("query=%7B", "GRAPHQL_PARSE_FAILED"),
        ("query=%7Bnothing%7D", "GRAPHQL_VALIDATION_FAILED"),
        ("query=%7Bgreeting%7D&operationName=Q", "GRAPHQL_VALIDATION_FAILED"),
        (&format!("query=%7B{}%7D", "greeting+".repeat(10)), "PAYLOAD_TOO_LARGE"),
    ] {
        let request = Request::builder().method(Method::GET).uri(format!("/graphql?{parameters}"));
        let request = request.header("accept", "application/graphql-response+json").body(Body::empty()).unwrap();
        let answer = service.send(request).await;
        assert_eq!(answer.code(), code, "{parameters}");
        assert!(answer.status.is_client_error(), "{parameters}: {}", answer.status);
    }
}

#[tokio::test]
async fn an_unavailable_media_type_is_rejected() {
    let request = Request::get("/graphql?query=%7Bgreeting%7D").header("accept", "text/html").body(Body::empty());
    assert_eq!(answering_get().send(request.unwrap()).await.status, StatusCode::NOT_ACCEPTABLE);
}
