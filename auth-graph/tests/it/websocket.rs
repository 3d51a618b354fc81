//! GraphQL over WebSocket: the same limits as over HTTP, and the end of a socket with its token.

use std::net::SocketAddr;

use auth_graph::{http, tasks};
use chrono::Duration;
use engine::accounts::Rank;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{FOLLOW, PASSWORD, TestApp, operation};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn serve(test: &TestApp) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = test.router().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn open(address: SocketAddr, origin: Option<&str>) -> Result<Socket, Error> {
    open_with(address, &origin.map(|origin| ("origin", origin)).into_iter().collect::<Vec<_>>()).await
}

async fn open_with(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    let mut request = format!("ws://{address}/graphql").into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn recv(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Close(frame) => return json!({ "close": frame.map(|frame| u16::from(frame.code)) }),
            _ => {}
        }
    }
}

async fn begin(address: SocketAddr, payload: Value) -> Socket {
    let mut socket = open(address, None).await.unwrap();
    say(&mut socket, json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(recv(&mut socket).await["type"], "connection_ack");
    socket
}

fn bearer(token: &str) -> Value {
    json!({ "authorization": format!("Bearer {token}") })
}

/// Receives messages until the awaited one arrives.
async fn recv_until(socket: &mut Socket, wanted: impl Fn(&Value) -> bool) {
    loop {
        let message = recv(socket).await;
        if wanted(&message) {
            return;
        }
        assert!(message["close"].is_null() && message["type"] != "error", "{message}");
    }
}

async fn ask(socket: &mut Socket, id: &str, query: &str, variables: Value) -> Value {
    let payload = json!({ "query": query, "variables": variables });
    say(socket, json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    loop {
        let answer = recv(socket).await;
        match answer["type"].as_str() {
            Some("complete" | "ping" | "pong") => {}
            _ => return answer,
        }
    }
}

/// async-graphql#1505: programs and gateways send the header, which nobody looked at.
#[tokio::test]
async fn a_token_in_the_upgrade_or_in_any_usual_payload_authenticates_the_caller() {
    let test = TestApp::new().await;
    let address = serve(&test).await;
    let token = test.signed_in("ada@test.com", Rank::User).await.access;
    let header = format!("Bearer {token}");
    let eve = test.signed_in("eve@test.com", Rank::User).await.access;
    for (headers, payload, seen) in [
        (vec![("authorization", header.as_str())], json!(null), "ada@test.com"),
        (vec![("authorization", &header)], json!({ "other": 1 }), "ada@test.com"),
        (vec![("authorization", &header)], bearer(&eve), "eve@test.com"),
        (vec![], json!({ "headers": { "Authorization": header } }), "ada@test.com"),
        (vec![], json!({ "authToken": token }), "ada@test.com"),
        (vec![], json!({ "authToken": header }), "ada@test.com"),
        (vec![("authorization", "Basic YTpi")], json!({}), "TOKEN_INVALID"),
        (vec![("authorization", &header), ("authorization", &header)], json!({}), "TOKEN_INVALID"),
        (vec![], json!({ "authorization": token }), "TOKEN_INVALID"),
        (vec![], json!({}), "{\"me\":null}"),
    ] {
        let mut socket = open_with(address, &headers).await.unwrap();
        say(&mut socket, json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(recv(&mut socket).await["type"], "connection_ack");
        let answer = ask(&mut socket, "1", operation!("me"), json!({})).await.to_string();
        assert!(answer.contains(seen), "{headers:?} {payload}: {answer}");
        assert_eq!(answer.contains("with Bearer, a space"), seen == "TOKEN_INVALID", "{answer}");
    }
}

#[tokio::test]
async fn a_cookie_opens_no_socket_for_its_user() {
    let test = TestApp::new().await;
    let address = serve(&test).await;
    let token = test.signed_in("ada@test.com", Rank::User).await.refresh;
    let cookie = format!("__Host-auth_graph_refresh={token}; authorization=Bearer {token}");
    let mut socket = open_with(address, &[("cookie", &cookie)]).await.unwrap();
    say(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(recv(&mut socket).await["type"], "connection_ack");
    let answer = ask(&mut socket, "1", operation!("me"), json!({})).await;
    assert_eq!(answer["payload"], json!({ "data": { "me": null } }));
}

#[tokio::test]
async fn a_network_has_a_number_of_anonymous_sockets() {
    let test = TestApp::with(|config| {
        config.server.max_anonymous_sockets_per_address = 2;
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let address = serve(&test).await;
    let token = test.signed_in("ada@test.com", Rank::User).await.access;
    let from = |client: &'static str| [("x-forwarded-for", client)];
    let first = open_with(address, &from("192.0.2.1")).await.unwrap();
    let mut second = open_with(address, &from("192.0.2.1")).await.unwrap();
    let Error::Http(refused) = open_with(address, &from("192.0.2.1")).await.unwrap_err() else { panic!("no answer") };
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"30".parse().unwrap()));
    open_with(address, &from("192.0.2.2")).await.unwrap();
    // A socket with a good token does not count, and one that is closed neither.
    say(&mut second, json!({ "type": "connection_init", "payload": bearer(&token) })).await;
    assert_eq!(recv(&mut second).await["type"], "connection_ack");
    let _third = open_with(address, &from("192.0.2.1")).await.unwrap();
    open_with(address, &from("192.0.2.1")).await.unwrap_err();
    drop(first);
    while open_with(address, &from("192.0.2.1")).await.is_err() {}
}

/// 99designs/gqlgen#3633: at a stop clients saw the end of the subscription, or a lost connection.
#[tokio::test]
async fn at_a_stop_sockets_are_closed_with_1012_and_streams_break_off() {
    let test = TestApp::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(http::serve(test.app.clone(), listener, async { stopped.await.unwrap() }));
    let token = test.service_client("reader", "feed:read").await.token().await;
    let mut socket = begin(address, bearer(&token)).await;
    say(&mut socket, json!({ "id": "1", "type": "subscribe", "payload": { "query": FOLLOW } })).await;
    assert_eq!(recv(&mut socket).await["id"], "1");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = json!({ "query": FOLLOW }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("CURRENT") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{}", String::from_utf8_lossy(&read));
    }

    stop.send(()).unwrap();

    recv_until(&mut socket, |message| {
        assert_ne!(message["type"], "complete");
        message["close"] == 1012
    })
    .await;
    // The connection ends without the last chunk of the body, so that every client notices.
    drop(stream.read_to_end(&mut read).await);
    let text = String::from_utf8_lossy(&read);
    assert!(!text.contains("event: complete") && !text.ends_with("0\r\n\r\n"), "{text}");
    serving.await.unwrap().unwrap();
}

/// gqlgen#774: a socket stayed authorized until it was closed.
#[tokio::test]
async fn the_payload_authenticates_the_caller_and_the_socket_ends_with_the_token() {
    let test = TestApp::new().await;
    let address = serve(&test).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let mut socket = begin(address, bearer(&signed_in.access)).await;
    let answer = ask(&mut socket, "1", operation!("me"), json!({})).await;
    assert_eq!(answer["payload"]["data"]["me"]["email"], "ada@test.com");
    test.app.clock.advance(Duration::minutes(5));
    recv_until(&mut socket, |message| message["close"] == 4403).await;
}

#[tokio::test]
async fn a_socket_ends_with_its_session_whose_token_is_rejected_at_once() {
    let test = TestApp::new().await;
    let address = serve(&test).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let mut socket = begin(address, json!({ "Authorization": format!("bearer {}", signed_in.access) })).await;
    test.anonymous().logout(&signed_in.refresh).await.data("logout");
    let mut answer = ask(&mut socket, "1", operation!("my_login_sessions"), json!({})).await;
    if answer["type"] == "next" {
        assert!(answer.to_string().contains("TOKEN_REVOKED"), "{answer}");
        answer = ask(&mut socket, "2", operation!("my_login_sessions"), json!({})).await;
    }
    while answer["close"].is_null() {
        answer = recv(&mut socket).await;
    }
    assert_eq!(answer, json!({ "close": 4403 }));
}

/// graphql-ws#482, graphql-ws#483, hasura#5581: a client could not send a new token, so that it had to open a new
/// socket.
#[tokio::test]
async fn a_new_token_in_a_ping_keeps_the_socket_and_its_operations() {
    let test = TestApp::new().await;
    let _tasks = tasks::spawn(&test.app);
    let address = serve(&test).await;
    let client = test.service_client("reader", "feed:read").await;
    let mut socket = begin(address, bearer(&client.token().await)).await;
    let payload = json!({ "query": FOLLOW });
    say(&mut socket, json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
    assert_eq!(recv(&mut socket).await["id"], "1");

    test.app.clock.advance(Duration::minutes(4));
    say(&mut socket, json!({ "type": "ping", "payload": bearer(&client.token().await) })).await;
    recv_until(&mut socket, |message| *message == json!({ "type": "pong" })).await;
    test.app.clock.advance(Duration::minutes(4));
    let user = test.create_user("ada@test.com").await;
    let made = |message: &Value| message["payload"]["data"]["userChanges"]["user"]["id"] == json!(user.id);
    recv_until(&mut socket, made).await;
    test.app.clock.advance(Duration::minutes(4));
    recv_until(&mut socket, |message| message["close"] == 4403).await;
}

#[tokio::test]
async fn the_feed_on_a_socket_resumes_from_a_cursor_and_stops_on_request() {
    let test = TestApp::new().await;
    let _tasks = tasks::spawn(&test.app);
    let address = serve(&test).await;
    let client = test.service_client("reader", "feed:read").await;
    let mut socket = begin(address, bearer(&client.token().await)).await;
    let follow = |id: &str, after: &Value| {
        let payload = json!({ "query": FOLLOW, "variables": { "after": after } });
        json!({ "id": id, "type": "subscribe", "payload": payload })
    };
    say(&mut socket, follow("1", &Value::Null)).await;
    let current = recv(&mut socket).await["payload"]["data"]["userChanges"].clone();
    assert_eq!(current["kind"], "CURRENT");
    let user = test.create_user("ada@test.com").await;
    recv_until(&mut socket, |message| message["payload"]["data"]["userChanges"]["kind"] == "USER_CREATED").await;
    say(&mut socket, json!({ "id": "1", "type": "complete" })).await;

    test.disable(user.id).await;
    say(&mut socket, follow("2", &current["cursor"])).await;
    let mut kinds = Vec::new();
    while kinds.len() < 2 {
        let message = recv(&mut socket).await;
        let change = &message["payload"]["data"]["userChanges"];
        if message["id"] == "2" && change["kind"] != "CURRENT" {
            assert_eq!(change["user"]["isActive"], false, "as they are now");
            kinds.push(change["kind"].clone());
        }
    }
    assert_eq!(kinds, ["USER_CREATED", "USER_UPDATED"]);
    say(&mut socket, follow("3", &json!("AAAA"))).await;
    let is_refusal = |message: &Value| message["id"] == "3" && message.to_string().contains("VALIDATION_FAILED");
    while !is_refusal(&recv(&mut socket).await) {}
}

/// keycloak-connect-graphql#124: a subscription continued after the role that it required was removed.
#[tokio::test]
async fn a_subscription_ends_without_its_scope() {
    let test = TestApp::new().await;
    let address = serve(&test).await;
    let client = test.service_client("reader", "feed:read users:read").await;
    let mut socket = begin(address, bearer(&client.token().await)).await;
    say(&mut socket, json!({ "id": "1", "type": "subscribe", "payload": { "query": FOLLOW } })).await;
    assert_eq!(recv(&mut socket).await["id"], "1");
    let lesser = client.token_with(&[("scope", "users:read")]).await;
    say(&mut socket, json!({ "type": "ping", "payload": bearer(&lesser) })).await;
    recv_until(&mut socket, |message| message.to_string().contains("FORBIDDEN")).await;
}

#[tokio::test]
async fn an_invalid_token_or_one_of_another_user_in_a_ping_ends_the_socket() {
    let test = TestApp::new().await;
    let address = serve(&test).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let eve = test.signed_in("eve@test.com", Rank::User).await;
    for (first, second) in
        [(bearer(&ada.access), "nonsense"), (bearer(&ada.access), &eve.access), (json!({}), &eve.access)]
    {
        let mut socket = begin(address, first).await;
        say(&mut socket, json!({ "type": "ping", "payload": bearer(second) })).await;
        assert_eq!(recv(&mut socket).await, json!({ "close": 4403 }));
    }
}

#[tokio::test]
async fn the_limits_apply_to_a_socket_too() {
    let test = TestApp::new().await;
    let address = serve(&test).await;
    test.create_user("ada@test.com").await;
    let mut socket = begin(address, json!({})).await;
    let before = test.app.passwords.pool.computed();
    let twice = "mutation($i: LoginInput!) { a: login(input: $i) { __typename } b: login(input: $i) { __typename } }";
    let variables = json!({ "i": { "email": "ada@test.com", "password": PASSWORD } });
    let answer = ask(&mut socket, "1", twice, variables.clone()).await;
    assert!(answer.to_string().contains("LIMIT_EXCEEDED"), "{answer}");
    assert_eq!(test.app.passwords.pool.computed(), before);
    let answer = ask(&mut socket, "2", operation!("login"), json!({ "input": variables["i"] })).await;
    assert_eq!(answer["payload"]["data"]["login"]["__typename"], "TokenPair");
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_open_a_socket() {
    let test = TestApp::with(|config| config.server.allowed_origins = vec!["https://app.test".to_owned()]).await;
    let address = serve(&test).await;
    let refused = open(address, Some("https://evil.test")).await.unwrap_err();
    assert!(matches!(refused, Error::Http(response) if response.status() == 403));
    open(address, Some("https://app.test")).await.unwrap();
    open(address, Some(&format!("http://{address}"))).await.unwrap();
}
