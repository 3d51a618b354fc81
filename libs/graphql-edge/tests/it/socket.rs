//! A service and a WebSocket client. They are connected by an in-memory pipe, so that a test can pause the time.

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

use crate::schema::{Edge, Executed, OpenSockets, Service};

/// Time after which a waiting test fails. It is longer than any limit.
const WAIT_LIMIT: Duration = Duration::from_secs(100);

/// Host name of the service.
pub(crate) const HOST: &str = "edge.test";

pub(crate) struct Server {
    pub(crate) edge: Edge,
    pub(crate) executed: Executed,
    present: OpenSockets,
    connect: UnboundedSender<DuplexStream>,
    task: JoinHandle<()>,
}

/// The server sides of the pipes.
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
        let Service { router, edge, executed, present } = service;
        let task = tokio::spawn(async move { axum::serve(Pipes(connected), router).await.unwrap() });
        Self { edge, executed, present, connect, task }
    }

    /// Returns the client side of a new connection, whose buffer is larger than any message.
    pub(crate) fn pipe(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(1024 * 1024);
        self.connect.send(far).unwrap();
        near
    }

    /// Connects without sending a message.
    pub(crate) async fn connect(&self) -> Socket {
        let request = open_request(HOST).body(()).unwrap();
        let (socket, response) = client_async(request, self.pipe()).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
        Socket(socket)
    }

    /// Connects, sends `connection_init` and waits for the acknowledgement.
    pub(crate) async fn accepted(&self, payload: Value) -> Socket {
        let mut socket = self.connect().await;
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.recv().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// Requests a socket with other headers. Returns the status, and the body of a rejection.
    pub(crate) async fn try_to_connect(&self, change: impl FnOnce(&mut HeaderMap)) -> (u16, Value) {
        let mut request = open_request(HOST).body(()).unwrap();
        change(request.headers_mut());
        // The client rejects a response without a protocol, which is the subject of the test.
        match client_async(request.into_client_request().unwrap(), self.pipe()).await {
            Ok((_, response)) => (response.status().as_u16(), Value::Null),
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                (response.status().as_u16(), serde_json::from_slice(body).unwrap_or_default())
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits until all accepted sockets are closed.
    pub(crate) async fn all_sockets_are_gone(&self) {
        let mut present = self.present.watch();
        timeout(WAIT_LIMIT, present.wait_for(|sockets| *sockets == 0)).await.unwrap().unwrap();
    }
}

/// Returns the request that opens a WebSocket.
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

    /// Sends one message in many frames.
    pub(crate) async fn send_in_frames(&mut self, text: &str, size: usize) {
        let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
        for (number, piece) in pieces.iter().enumerate() {
            let kind = if number == 0 { Data::Text } else { Data::Continue };
            let last = number + 1 == pieces.len();
            let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), last);
            self.send(Message::Frame(frame)).await;
        }
    }

    /// Returns the next frame of any kind.
    pub(crate) async fn receive(&mut self) -> Message {
        timeout(WAIT_LIMIT, self.0.next()).await.unwrap().unwrap().unwrap()
    }

    /// Returns the next message of the protocol.
    pub(crate) async fn recv(&mut self) -> Value {
        loop {
            match self.receive().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Waits for the end of the socket, and returns its code and reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.receive().await {
                let frame = frame.unwrap();
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }

    /// Reads until the connection ends without a close frame.
    pub(crate) async fn is_dropped(&mut self) {
        loop {
            match timeout(WAIT_LIMIT, self.0.next()).await.unwrap() {
                Some(Ok(Message::Close(frame))) => panic!("{frame:?}"),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    }
}
