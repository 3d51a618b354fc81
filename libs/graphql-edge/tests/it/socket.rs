//! A service, and a client that speaks to it by WebSocket: through a pipe in memory, so that a test may stop the time.

use std::{io, time::Duration};

use axum::{
    http::{self, HeaderMap},
    serve::Listener,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::DuplexStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::schema::{Executed, Present, Service};

/// When a test that waits has failed: longer than any limit.
const PATIENCE: Duration = Duration::from_secs(100);

/// Where the service is, as far as a client can tell.
pub(crate) const HOST: &str = "edge.test";

pub(crate) struct Server {
    pub(crate) executed: Executed,
    present: Present,
    connect: UnboundedSender<DuplexStream>,
    task: JoinHandle<()>,
}

/// The ends of pipes that somebody else has the other ends of.
struct Pipes(UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = &'static str;

    async fn accept(&mut self) -> (DuplexStream, &'static str) {
        match self.0.recv().await {
            Some(pipe) => (pipe, HOST),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<&'static str> {
        Ok(HOST)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) fn start(service: Service) -> Self {
        let (connect, connected) = unbounded_channel();
        let Service { router, executed, present, .. } = service;
        let task = tokio::spawn(async move { axum::serve(Pipes(connected), router).await.unwrap() });
        Self { executed, present, connect, task }
    }

    /// The other end of a new connection, which takes more than any message.
    fn pipe(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(1024 * 1024);
        self.connect.send(far).unwrap();
        near
    }

    /// Connect, and say nothing yet.
    pub(crate) async fn connect(&self) -> Socket {
        let request = open_request(HOST).body(()).unwrap();
        let (socket, response) = client_async(request, self.pipe()).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
        Socket(socket)
    }

    /// Connect, introduce oneself and be accepted.
    pub(crate) async fn accepted(&self, payload: Value) -> Socket {
        let mut socket = self.connect().await;
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// Ask for a socket with other headers: the status, and the body if it was refused.
    pub(crate) async fn try_to_connect(&self, change: impl FnOnce(&mut HeaderMap)) -> (u16, Value) {
        let mut request = open_request(HOST).body(()).unwrap();
        change(request.headers_mut());
        // The client would complain about an answer without a protocol, which is what is looked at here.
        match client_async(request.into_client_request().unwrap(), self.pipe()).await {
            Ok((_, response)) => (response.status().as_u16(), Value::Null),
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                (response.status().as_u16(), serde_json::from_slice(body).unwrap_or_default())
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Wait until nothing is left of any socket that was accepted.
    pub(crate) async fn all_sockets_are_gone(&self) {
        let mut present = self.present.watch();
        timeout(PATIENCE, present.wait_for(|sockets| *sockets == 0)).await.unwrap().unwrap();
    }
}

/// The request that opens a WebSocket.
pub(crate) fn open_request(host: &str) -> http::request::Builder {
    http::Request::get(format!("ws://{host}/graphql"))
        .header("host", host)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "graphql-transport-ws")
}

pub(crate) struct Socket(WebSocketStream<DuplexStream>);

impl Socket {
    pub(crate) async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.send(Message::Text(message.to_string().into())).await;
    }

    pub(crate) async fn subscribe(&mut self, id: &str, document: &str) {
        self.say(json!({ "type": "subscribe", "id": id, "payload": { "query": document } })).await;
    }

    /// Send one message in many frames.
    pub(crate) async fn send_in_frames(&mut self, text: &str, size: usize) {
        let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
        for (number, piece) in pieces.iter().enumerate() {
            let kind = if number == 0 { Data::Text } else { Data::Continue };
            let last = number + 1 == pieces.len();
            let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), last);
            self.send(Message::Frame(frame)).await;
        }
    }

    /// The next frame of any kind.
    pub(crate) async fn receive(&mut self) -> Message {
        timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap()
    }

    /// The next message of the protocol.
    pub(crate) async fn hear(&mut self) -> Value {
        loop {
            match self.receive().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code and the reason that the socket is closed with.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.receive().await {
                let frame = frame.unwrap();
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }

    /// Read until the connection ends without a farewell.
    pub(crate) async fn is_dropped(&mut self) {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Close(frame))) => panic!("{frame:?}"),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    }
}
