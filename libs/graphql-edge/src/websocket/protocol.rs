//! The protocol `graphql-transport-ws` on one WebSocket, from `connection_init` to its end. It limits the number of
//! running operations, the waiting times, and the time that the client takes to read. The implementation of
//! async-graphql has none of these limits, replaces a running operation by another one with its identifier, and sends
//! rejected requests as results.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use async_graphql::{Error, ErrorExtensionValues, ObjectType, Result, SubscriptionType, Value as GraphqlValue};
use axum::extract::ws::{Message, WebSocket};
use errors::Code;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::time::{self, Instant};

use super::{
    connection::Connection,
    message::{ClientMessage, Close, ServerMessage},
    operations::Operations,
};
use crate::{Edge, Limits, response, response::Stage, stopping::Event};

/// Time within which the client must answer when the service closes the socket.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs the protocol until one side closes the socket.
pub(super) async fn run<Q, M, S>(
    socket: WebSocket,
    edge: Edge<Q, M, S>,
    init: impl FnOnce(Value) -> BoxFuture<'static, Result<Connection>>,
) where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let mut channel = Channel { socket, limits: *edge.limits(), received_at: Instant::now() };
    let Err(close) = async {
        let stop = edge.stopping().wait();
        let connection = tokio::select! {
            connection = time::timeout(channel.limits.connection_init_timeout, handshake(&mut channel, init)) => {
                connection.map_err(|_elapsed| Close::InitTimeout)??
            }
            () = stop => return Err(Close::Restart),
        };
        channel.send(ServerMessage::ConnectionAck).await?;
        serve(&mut channel, &edge, connection).await
    }
    .await;
    tracing::debug!(?close, "a WebSocket ends");
    channel.close(close).await;
}

async fn handshake(
    channel: &mut Channel,
    init: impl FnOnce(Value) -> BoxFuture<'static, Result<Connection>>,
) -> Result<Connection, Close> {
    let payload = loop {
        match channel.recv().await? {
            ClientMessage::ConnectionInit { payload } if payload.is_object() || payload.is_null() => break payload,
            ClientMessage::ConnectionInit { .. } => return Err(Close::BadMessage),
            ClientMessage::Subscribe { .. } => return Err(Close::Unauthorized),
            ClientMessage::Ping { payload } => channel.send(ServerMessage::Pong { payload }).await?,
            ClientMessage::Complete { .. } | ClientMessage::Pong {} => {}
        }
    };
    init(payload).await.map_err(|error| refused(&error))
}

/// Returns the close for a refusal. The reason of a close frame is short text without structure, so it holds the code
/// of the error and not the message.
fn refused(error: &Error) -> Close {
    let code = error.extensions.as_ref().and_then(|extensions: &ErrorExtensionValues| extensions.get("code"));
    Close::Forbidden(match code {
        Some(GraphqlValue::String(code)) if code.len() < 100 => code.clone(),
        _ => Code::Forbidden.as_str().to_owned(),
    })
}

async fn serve<Q, M, S>(
    channel: &mut Channel,
    edge: &Edge<Q, M, S>,
    connection: Connection,
) -> Result<Infallible, Close>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let Connection { data, mut ends, mut renewal, mut is_anonymous } = connection;
    let mut session = Arc::new(data);
    let mut operations = Operations::default();
    let (mut was_busy, mut idle_since) = (false, Instant::now());
    let (mut stop, mut is_stopping) = (pin!(edge.stopping().wait()), false);
    let mut keepalive = time::interval_at(Instant::now() + channel.limits.keepalive, channel.limits.keepalive);
    loop {
        let is_busy = operations.len() > 0;
        if is_stopping && !is_busy {
            return Err(Close::Restart);
        }
        if is_busy || was_busy {
            idle_since = Instant::now();
        }
        was_busy = is_busy;
        let idle = time::sleep_until(idle_since + channel.limits.anonymous_idle);
        tokio::select! {
            () = &mut stop, if !is_stopping => is_stopping = true,
            () = idle, if is_anonymous && !is_busy => return Err(Close::Idle),
            () = &mut ends => return Err(Close::Forbidden("The connection has ended".to_owned())),
            message = channel.recv() => match message? {
                ClientMessage::ConnectionInit { .. } => return Err(Close::TooManyInits),
                ClientMessage::Subscribe { id, .. } if operations.contains(&id) => return Err(Close::SubscriberExists),
                // The client sends it again on its next socket.
                ClientMessage::Subscribe { .. } if is_stopping => {}
                ClientMessage::Subscribe { id, .. } if operations.len() >= channel.limits.websocket_operations => {
                    let error = response::error(Code::LimitExceeded, "Too many operations run on this WebSocket.");
                    channel.send(ServerMessage::Error { id: &id, payload: &[error] }).await?;
                }
                ClientMessage::Subscribe { id, payload } => {
                    let request = payload.into_request().ok_or(Close::BadMessage)?;
                    operations.start(&id, edge.stream(request, Arc::clone(&session)));
                }
                ClientMessage::Complete { id } => operations.stop(&id),
                ClientMessage::Ping { payload } => {
                    let renewed = match (&renewal, &payload) {
                        (Some(renewal), Some(payload)) => {
                            renewal(payload.clone()).await.map_err(|error| refused(&error))?
                        }
                        _ => None,
                    };
                    let answer = match renewed {
                        Some(next) => {
                            (session, ends, renewal) = (Arc::new(next.data), next.ends, next.renewal);
                            is_anonymous = next.is_anonymous;
                            None
                        }
                        None => payload,
                    };
                    channel.send(ServerMessage::Pong { payload: answer }).await?;
                }
                ClientMessage::Pong {} => {}
            },
            Some((id, step)) = operations.next() => match step {
                Some(Event::Answer(response, Stage::Executed)) => {
                    channel.send(ServerMessage::Next { id: &id, payload: &response }).await?;
                }
                Some(Event::Stopped) => operations.stop(&id),
                Some(Event::Answer(response, Stage::Refused)) => {
                    operations.stop(&id);
                    channel.send(ServerMessage::Error { id: &id, payload: &response.errors }).await?;
                }
                None => {
                    operations.stop(&id);
                    channel.send(ServerMessage::Complete { id: &id }).await?;
                }
            },
            _ = keepalive.tick() => channel.ping_if_idle().await?,
        }
    }
}

/// The socket, with the time at which the last frame was received.
struct Channel {
    socket: WebSocket,
    limits: Limits,
    received_at: Instant,
}

impl Channel {
    /// Waits for the next message. No message is lost when the future is dropped.
    async fn recv(&mut self) -> Result<ClientMessage, Close> {
        loop {
            let message = self.socket.recv().await;
            self.received_at = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|_| Close::BadMessage);
                }
                Some(Ok(Message::Binary(_))) => return Err(Close::BadMessage),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) => return Err(Close::ByClient),
                None => return Err(Close::Gone),
                Some(Err(_)) => return Err(Close::Unreadable),
            }
        }
    }

    async fn send(&mut self, message: ServerMessage<'_>) -> Result<(), Close> {
        self.send_frame(message.into_message()).await
    }

    /// Sends a ping when the client has been silent, and fails when the ping was not answered either.
    async fn ping_if_idle(&mut self) -> Result<(), Close> {
        let silence = self.received_at.elapsed();
        if silence >= 2 * self.limits.keepalive {
            Err(Close::Gone)
        } else if silence >= self.limits.keepalive / 2 {
            self.send_frame(Message::Ping(Vec::new().into())).await
        } else {
            Ok(())
        }
    }

    async fn close(mut self, close: Close) {
        if close == Close::Gone {
            return;
        }
        if let Some(frame) = close.into_frame()
            && self.send_frame(Message::Close(Some(frame))).await.is_err()
        {
            return;
        }
        // When a socket is dropped with unread data in it, the client may not receive our last message.
        let unread = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        if time::timeout(FAREWELL, unread).await.is_err() {
            tracing::debug!("a WebSocket was closed without an answer of the client");
        }
    }

    async fn send_frame(&mut self, message: Message) -> Result<(), Close> {
        match time::timeout(self.limits.send_timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Close::Gone),
        }
    }
}
