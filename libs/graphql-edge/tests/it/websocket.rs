//! Opening WebSockets, and the protocol `graphql-transport-ws`.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    schema::{Service, service},
    socket::{HOST, Server, Socket, open_request},
};

/// Starts a service and connects an accepted socket.
async fn accepted() -> (Server, Socket) {
    let server = Server::start(service());
    let socket = server.accepted(json!({})).await;
    (server, socket)
}

#[tokio::test(start_paused = true)]
async fn a_query_a_mutation_and_a_subscription_are_answered() {
    let (_server, mut socket) = accepted().await;
    for (document, data) in [
        ("{ caller }", vec![json!({ "caller": "socket" })]),
        ("mutation { login(password: \"wrong\") }", vec![json!({ "login": false })]),
        ("subscription { count(to: 2) }", vec![json!({ "count": 1 }), json!({ "count": 2 })]),
    ] {
        socket.subscribe("1", document).await;
        for data in data {
            assert_eq!(socket.recv().await, json!({ "type": "next", "id": "1", "payload": { "data": data } }));
        }
        assert_eq!(socket.recv().await, json!({ "type": "complete", "id": "1" }));
    }
}

#[tokio::test(start_paused = true)]
async fn variables_and_the_operation_name_are_read() {
    let (_server, mut socket) = accepted().await;
    let payload = json!({
        "query": "query A { caller } query B($name: String) { greeting(name: $name) }",
        "operationName": "B", "variables": { "name": "Ada" },
    });
    socket.say(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    assert_eq!(socket.recv().await["payload"]["data"], json!({ "greeting": "Hello, Ada" }));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_request_is_an_error_message_and_the_socket_stays_open() {
    let (server, mut socket) = accepted().await;
    for (document, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { a: login(password: \"1\") b: login(password: \"2\") }", "LIMIT_EXCEEDED"),
    ] {
        socket.subscribe("1", document).await;
        let message = socket.recv().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("1")), "{document}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{document}");
    }
    assert_eq!(server.executed.count(), 0);
    socket.subscribe("1", "{ greeting }").await;
    assert_eq!(socket.recv().await["type"], "next");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_a_resolver_rejects_is_a_result_with_the_code_of_the_resolver() {
    let (_server, mut socket) = accepted().await;
    socket.subscribe("1", "subscription { refused }").await;
    let message = socket.recv().await;
    assert_eq!((&message["type"], &message["payload"]["data"]), (&json!("next"), &json!(null)));
    assert_eq!(message["payload"]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(socket.recv().await["type"], "complete");
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_the_client_has_completed_sends_nothing_more() {
    let (_server, mut socket) = accepted().await;
    socket.subscribe("1", "subscription { never }").await;
    socket.say(json!({ "type": "complete", "id": "1" })).await;
    socket.say(json!({ "type": "complete", "id": "unknown" })).await;
    socket.subscribe("1", "{ greeting }").await;
    assert_eq!(socket.recv().await["type"], "next");
    assert_eq!(socket.recv().await["type"], "complete");
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_before_and_after_the_connection_is_accepted() {
    let server = Server::start(service());
    let mut socket = server.connect().await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.recv().await, json!({ "type": "pong" }));
    socket.say(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.recv().await, json!({ "type": "connection_ack" }));
    socket.say(json!({ "type": "pong" })).await;
    socket.say(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(socket.recv().await, json!({ "type": "pong", "payload": { "n": 1 } }));
}

#[tokio::test(start_paused = true)]
async fn a_violation_of_the_protocol_closes_the_socket_with_its_code() {
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": "subscription { never }" } });
    let init = json!({ "type": "connection_init" });
    for (messages, code) in [
        (vec![subscribe.clone()], 4401),
        (vec![init.clone(), init.clone()], 4429),
        (vec![init.clone(), subscribe.clone(), subscribe], 4409),
        (vec![json!({ "type": "start", "id": "1", "payload": { "query": "{ greeting }" } })], 4400),
        (vec![json!({ "type": "connection_init", "payload": "token" })], 4400),
        (vec![json!([init])], 4400),
        (vec![init.clone(), json!({ "type": "subscribe", "id": "1", "payload": {} })], 4400),
        (vec![init, json!({ "type": "subscribe", "id": 1, "payload": { "query": "{ greeting }" } })], 4400),
    ] {
        let server = Server::start(service());
        let mut socket = server.connect().await;
        for message in &messages {
            socket.say(message.clone()).await;
        }
        assert_eq!(socket.closed().await.0, code, "{messages:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_binary_message_is_not_part_of_the_protocol() {
    let (_server, mut socket) = accepted().await;
    socket.send(Message::Binary(b"{\"type\":\"ping\"}".as_slice().into())).await;
    assert_eq!(socket.closed().await.0, 4400);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_connection_is_closed_with_the_code_of_the_error() {
    let server = Server::start(service());
    let mut socket = server.connect().await;
    socket.say(json!({ "type": "connection_init", "payload": { "token": "bad" } })).await;
    assert_eq!(socket.closed().await, (4403, "TOKEN_INVALID".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_when_the_service_ends_it() {
    let server = Server::start(service());
    let mut socket = server.accepted(json!({ "token": "brief" })).await;
    assert_eq!(socket.closed().await.0, 4403);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_site_may_not_open_a_socket() {
    let server = Server::start(service());
    let own = format!("http://{HOST}");
    for (origin, status) in [
        (own.as_str(), 101),
        ("https://app.example.com", 101),
        ("https://evil.example.com", 403),
        ("https://app.example.com.evil.example", 403),
        ("http://app.example.com", 403),
        ("null", 403),
        ("", 403),
    ] {
        let answer = server.try_to_connect(|headers| {
            headers.insert("origin", origin.parse().unwrap());
        });
        let (found, body) = answer.await;
        assert_eq!(found, status, "{origin}");
        if status == 403 {
            assert_eq!(body["errors"][0]["extensions"]["code"], "FORBIDDEN", "{origin}");
        }
    }
    let twice = server.try_to_connect(|headers| {
        headers.append("origin", own.parse().unwrap());
        headers.append("origin", "https://evil.example.com".parse().unwrap());
    });
    assert_eq!(twice.await.0, 403);
}

#[tokio::test(start_paused = true)]
async fn another_protocol_is_rejected() {
    let server = Server::start(service());
    for protocol in [Some("graphql-ws"), Some("soap"), None] {
        let (status, body) = server
            .try_to_connect(|headers| {
                headers.remove("sec-websocket-protocol");
                if let Some(protocol) = protocol {
                    headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
                }
            })
            .await;
        assert_eq!((status, body["errors"][0]["extensions"]["code"].as_str()), (400, Some("BAD_REQUEST")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_upgrade_is_rejected() {
    let Service { router, .. } = service();
    let request = open_request("localhost").header("sec-websocket-version", "8").body(()).unwrap();
    let request = request.map(|()| axum::body::Body::empty());
    let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert!(answer.status().is_client_error());
}

#[tokio::test(start_paused = true)]
async fn several_operations_run_at_the_same_time() {
    let (_server, mut socket) = accepted().await;
    socket.subscribe("waits", "subscription { never }").await;
    socket.subscribe("counts", "subscription { count(to: 1) }").await;
    let answers: Vec<Value> = vec![socket.recv().await, socket.recv().await];
    assert!(answers.iter().all(|answer| answer["id"] == "counts"));
}

/// RFC 6455 section 5.5.1. Without an answer, clients see the code 1006.
#[tokio::test(start_paused = true)]
async fn a_close_of_the_client_is_answered() {
    let server = Server::start(service());
    for (sent, answer) in [
        // 1000, masked with zeros.
        (&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8][..], &[0x88, 0x02, 0x03, 0xe8][..]),
        (&[0x88, 0x80, 0, 0, 0, 0], &[0x88, 0x00]),
    ] {
        let mut pipe = server.pipe();
        let request = open_request(HOST).body(()).unwrap();
        let headers: String =
            request.headers().iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap())).collect();
        pipe.write_all(format!("GET /graphql HTTP/1.1\r\n{headers}\r\n").as_bytes()).await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            pipe.read_buf(&mut read).await.unwrap();
        }
        pipe.write_all(sent).await.unwrap();
        read.clear();
        pipe.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, answer);
    }
}

/// 99designs/gqlgen#3633: clients come back after 1012, and take `complete` for the end.
#[tokio::test(start_paused = true)]
async fn a_stop_closes_sockets_with_1012_and_completes_no_subscription() {
    let server = Server::start(service());
    let mut idle = server.accepted(json!({})).await;
    let mut early = server.connect().await;
    let mut busy = server.accepted(json!({})).await;
    busy.subscribe("1", "subscription Named { never }").await;
    busy.subscribe("2", "{ greeting }").await;
    assert_eq!(busy.recv().await["type"], "next");
    assert_eq!(busy.recv().await, json!({ "type": "complete", "id": "2" }));
    server.edge.stop();
    for socket in [&mut idle, &mut early, &mut busy] {
        let Message::Close(Some(frame)) = socket.receive().await else { panic!("another message came first") };
        assert_eq!(u16::from(frame.code), 1012);
    }
    let mut late = server.connect().await;
    assert_eq!(late.closed().await.0, 1012);
}
