//! GraphQL over a WebSocket of the client service: its caller, and its end.

use client_graph::service::{App, Config, Sources, serve};
use client_graph::testing::TestIssuer;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::TestDatabase;

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects to a service of this issuer and sends `connection_init`.
    async fn open(issuer: &TestIssuer, database: &TestDatabase, payload: Value) -> (Self, App) {
        Self::open_with(issuer, database, None, payload, std::future::pending()).await
    }

    /// Connects with a header `Authorization`, to a service that stops at some time.
    async fn open_with(
        issuer: &TestIssuer,
        database: &TestDatabase,
        authorization: Option<String>,
        payload: Value,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> (Self, App) {
        let mut flags = database.settings();
        flags.push(("auth.url".to_owned(), issuer.url().to_owned()));
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let app = App::boot(config, issuer.clock().clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut request = format!("ws://{}/graphql", listener.local_addr().unwrap()).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        if let Some(authorization) = authorization {
            request.headers_mut().insert("authorization", authorization.parse().unwrap());
        }
        tokio::spawn(serve(app.clone(), listener, stop));
        let mut socket = Self(connect_async(request).await.unwrap().0);
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.recv().await["type"], "connection_ack");
        (socket, app)
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn recv(&mut self) -> Value {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => return json!({ "closed": frame.map(|frame| u16::from(frame.code)) }),
                _ => {}
            }
        }
    }

    /// Sends `whoami` and returns the answer.
    async fn whoami(&mut self, id: &str) -> Value {
        let payload = json!({ "query": "{ whoami { subject } }" });
        self.say(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
        let answer = self.recv().await;
        assert_eq!(self.recv().await["type"], "complete");
        answer["payload"].clone()
    }
}

#[tokio::test]
async fn the_payload_authenticates_the_caller_and_a_revocation_ends_the_socket() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let user = issuer.user("ada@example.com");
    let token = issuer.token_for(&user).sign();
    let payload = json!({ "authorization": format!("Bearer {token}") });
    let (mut socket, app) = Socket::open(&issuer, &database, payload).await;
    assert_eq!(socket.whoami("1").await["data"]["whoami"]["subject"], json!(user.id));

    let session = app.auth.authenticate(&token.into()).await.unwrap().session_id.unwrap();
    app.auth.revoke_locally(session, issuer.clock().now());

    assert_eq!(socket.recv().await, json!({ "closed": 4403 }));
}

#[tokio::test]
async fn a_new_token_in_a_ping_keeps_the_socket_and_one_of_another_user_ends_it() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let bearer = |token: String| json!({ "authorization": format!("Bearer {token}") });
    let first = issuer.token_for(&ada).scope("first").sign();
    let (mut socket, app) = Socket::open(&issuer, &database, bearer(first.clone())).await;

    socket.say(json!({ "type": "ping", "payload": { "sent": 1 } })).await;
    assert_eq!(socket.recv().await, json!({ "type": "pong", "payload": { "sent": 1 } }));
    let second = issuer.token_for(&ada).scope("second").sign();
    socket.say(json!({ "type": "ping", "payload": bearer(second) })).await;
    assert_eq!(socket.recv().await, json!({ "type": "pong" }));

    // The session of the first token ends, but the socket has another one now.
    let session = app.auth.authenticate(&first.into()).await.unwrap().session_id.unwrap();
    app.auth.revoke_locally(session, issuer.clock().now());
    assert_eq!(socket.whoami("1").await["data"]["whoami"]["subject"], json!(ada.id));

    let somebody_else = issuer.token_for(&eve).sign();
    socket.say(json!({ "type": "ping", "payload": bearer(somebody_else) })).await;
    assert_eq!(socket.recv().await, json!({ "closed": 4403 }));
}

#[tokio::test]
async fn an_impersonator_cannot_take_over_the_socket_of_the_user() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let bearer = |token: String| json!({ "authorization": format!("Bearer {token}") });
    let (mut socket, _app) = Socket::open(&issuer, &database, bearer(issuer.token_for(&ada).sign())).await;
    let acting = issuer.token_for(&ada).claim("act", json!({ "sub": eve.id })).sign();
    socket.say(json!({ "type": "ping", "payload": bearer(acting) })).await;
    assert_eq!(socket.recv().await, json!({ "closed": 4403 }));
}

#[tokio::test]
async fn an_invalid_token_in_a_ping_ends_the_socket() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    let payload = json!({ "authorization": format!("Bearer {token}") });
    let (mut socket, _app) = Socket::open(&issuer, &database, payload).await;
    socket.say(json!({ "type": "ping", "payload": { "authorization": "Bearer nonsense" } })).await;
    assert_eq!(socket.recv().await, json!({ "closed": 4403 }));
}

#[tokio::test]
async fn a_token_in_the_upgrade_authenticates_the_caller() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let user = issuer.user("ada@example.com");
    let header = Some(format!("Bearer {}", issuer.token_for(&user).sign()));
    let (mut socket, _app) = Socket::open_with(&issuer, &database, header, json!(null), std::future::pending()).await;
    assert_eq!(socket.whoami("1").await["data"]["whoami"]["subject"], json!(user.id));
}

#[tokio::test]
async fn at_a_stop_a_socket_is_closed_with_1012() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap() };
    let (mut socket, _app) = Socket::open_with(&issuer, &database, None, json!({}), stopped).await;
    stop.send(()).unwrap();
    assert_eq!(socket.recv().await, json!({ "closed": 1012 }));
}

#[tokio::test]
async fn without_a_token_a_socket_is_anonymous() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let (mut socket, _app) = Socket::open(&issuer, &database, json!({})).await;
    assert_eq!(socket.whoami("1").await, json!({ "data": { "whoami": null } }));
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let token = issuer.token_for(&issuer.user("ada@example.com")).expires_in(std::time::Duration::from_secs(1)).sign();
    let payload = json!({ "authorization": format!("Bearer {token}") });
    let (mut socket, _app) = Socket::open(&issuer, &database, payload).await;
    assert_eq!(socket.recv().await, json!({ "closed": 4403 }));
}
