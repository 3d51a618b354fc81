//! Limits of a WebSocket: sizes, numbers and times. The paused time advances only when all tasks wait.

use graphql_edge::Limits;
use serde_json::json;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    schema::{limits, service, service_with},
    socket::Server,
};

#[tokio::test(start_paused = true)]
async fn a_large_message_closes_the_socket() {
    let server = Server::start(service());
    let mut socket = server.accepted(json!({})).await;
    socket.subscribe("1", &"x".repeat(140_000)).await;
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test(start_paused = true)]
async fn a_message_in_small_frames_has_the_same_limit() {
    let server = Server::start(service());
    let mut socket = server.accepted(json!({})).await;
    socket.send_in_frames(&"x".repeat(140_000), 1_000).await;
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test(start_paused = true)]
async fn one_operation_too_many_is_rejected_and_the_others_continue() {
    let server = Server::start(service_with(Limits { websocket_operations: 2, ..limits() }));
    let mut socket = server.accepted(json!({})).await;
    for id in ["1", "2", "3"] {
        socket.subscribe(id, "subscription { never }").await;
    }
    let refused = socket.recv().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("3")));
    assert_eq!(refused["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    socket.say(json!({ "type": "complete", "id": "1" })).await;
    socket.subscribe("3", "{ greeting }").await;
    assert_eq!(socket.recv().await["type"], "next");
}

#[tokio::test(start_paused = true)]
async fn a_socket_without_connection_init_is_closed() {
    let server = Server::start(service());
    let mut socket = server.connect().await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.recv().await["type"], "pong");
    assert_eq!(socket.closed().await.0, 4408);
}

#[tokio::test(start_paused = true)]
async fn a_socket_whose_connection_init_cannot_be_checked_in_time_is_closed() {
    let server = Server::start(service());
    let mut socket = server.connect().await;
    socket.say(json!({ "type": "connection_init", "payload": { "token": "slow" } })).await;
    assert_eq!(socket.closed().await.0, 4408);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_does_not_answer_pings_is_dropped() {
    let server = Server::start(service());
    let mut socket = server.accepted(json!({})).await;
    // This client reads nothing, so that it does not answer pings.
    server.all_sockets_are_gone().await;
    socket.is_dropped().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_socket_that_answers_pings_stays_open() {
    let server = Server::start(service());
    let mut socket = server.accepted(json!({})).await;
    for _ in 0..6 {
        assert!(matches!(socket.receive().await, Message::Ping(_)));
    }
    socket.subscribe("1", "{ greeting }").await;
    while !matches!(socket.receive().await, Message::Text(_)) {}
}

#[tokio::test(start_paused = true)]
async fn an_anonymous_socket_without_an_operation_is_closed() {
    let server = Server::start(service());
    let mut socket = server.accepted(json!({ "token": "nobody" })).await;
    let opened = Instant::now();
    // The client answers the pings meanwhile.
    assert_eq!(socket.closed().await.0, 4408);
    assert_eq!(opened.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn an_anonymous_socket_stays_open_while_an_operation_runs() {
    let server = Server::start(service());
    let mut socket = server.accepted(json!({ "token": "nobody" })).await;
    socket.subscribe("1", "subscription { never }").await;
    for _ in 0..6 {
        assert!(matches!(socket.receive().await, Message::Ping(_)));
    }
    socket.say(json!({ "type": "complete", "id": "1" })).await;
    let idle_since = Instant::now();
    assert_eq!(socket.closed().await.0, 4408);
    assert_eq!(idle_since.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped() {
    let server = Server::start(service());
    let mut socket = server.accepted(json!({})).await;
    // More numbers than the buffers of both sides can hold.
    socket.subscribe("1", "subscription { count(to: 1000000000) }").await;
    server.all_sockets_are_gone().await;
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_dropped_with_its_socket() {
    let server = Server::start(service());
    let mut socket = server.accepted(json!({})).await;
    socket.subscribe("1", "subscription { never }").await;
    drop(socket);
    server.all_sockets_are_gone().await;
}
