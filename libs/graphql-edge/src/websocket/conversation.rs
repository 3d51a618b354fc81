//! The protocol `graphql-transport-ws` on one WebSocket, from `connection_init` to its end. It limits the number of
//! running operations, the waiting times, and the time that the other side takes to read. async-graphql's own
//! implementation has none of these limits, replaces an operation by another one with its identifier, and sends refused
//! requests as results.

use std::{convert::Infallible, sync::Arc, time::Duration};

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
use crate::{Edge, Limits, response, response::Stage};

/// Time within which the other side must answer when the service closes the socket.
const FAREWELL: Duration = Duration::from_secs(1);

/// Talk until one side has had enough.
pub(super) async fn hold<Q, M, S>(
    socket: WebSocket,
    edge: Edge<Q, M, S>,
    init: impl FnOnce(Value) -> BoxFuture<'static, Result<Connection>>,
) where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let mut line = Line { socket, limits: *edge.limits(), heard: Instant::now() };
    let Err(close) = async {
        let connection = time::timeout(line.limits.connection_init_timeout, greet(&mut line, init))
            .await
            .map_err(|_elapsed| Close::InitTimeout)??;
        line.say(ServerMessage::ConnectionAck).await?;
        converse(&mut line, &edge, connection).await
    }
    .await;
    tracing::debug!(?close, "a WebSocket ends");
    line.hang_up(close).await;
}

async fn greet(
    line: &mut Line,
    init: impl FnOnce(Value) -> BoxFuture<'static, Result<Connection>>,
) -> Result<Connection, Close> {
    let payload = loop {
        match line.hear().await? {
            ClientMessage::ConnectionInit { payload } if payload.is_object() || payload.is_null() => break payload,
            ClientMessage::ConnectionInit { .. } => return Err(Close::BadMessage),
            ClientMessage::Subscribe { .. } => return Err(Close::Unauthorized),
            ClientMessage::Ping { payload } => line.say(ServerMessage::Pong { payload }).await?,
            ClientMessage::Complete { .. } | ClientMessage::Pong {} => {}
        }
    };
    init(payload).await.map_err(|error| refused(&error))
}

/// The reason of a close is short and has no members: a program needs the code more than a person the message.
fn refused(error: &Error) -> Close {
    let code = error.extensions.as_ref().and_then(|extensions: &ErrorExtensionValues| extensions.get("code"));
    Close::Forbidden(match code {
        Some(GraphqlValue::String(code)) if code.len() < 100 => code.clone(),
        _ => Code::Forbidden.as_str().to_owned(),
    })
}

async fn converse<Q, M, S>(line: &mut Line, edge: &Edge<Q, M, S>, connection: Connection) -> Result<Infallible, Close>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let Connection { data, mut ends, mut renewal } = connection;
    let mut session = Arc::new(data);
    let mut operations = Operations::default();
    let mut pulse = time::interval_at(Instant::now() + line.limits.keepalive, line.limits.keepalive);
    loop {
        tokio::select! {
            () = &mut ends => return Err(Close::Forbidden("The connection has ended".to_owned())),
            message = line.hear() => match message? {
                ClientMessage::ConnectionInit { .. } => return Err(Close::TooManyInits),
                ClientMessage::Subscribe { id, .. } if operations.contains(&id) => return Err(Close::SubscriberExists),
                ClientMessage::Subscribe { id, .. } if operations.len() >= line.limits.websocket_operations => {
                    let error = response::error(Code::LimitExceeded, "Too many operations run on this WebSocket.");
                    line.say(ServerMessage::Error { id: &id, payload: &[error] }).await?;
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
                            None
                        }
                        None => payload,
                    };
                    line.say(ServerMessage::Pong { payload: answer }).await?;
                }
                ClientMessage::Pong {} => {}
            },
            Some((id, answer)) = operations.next() => match answer {
                Some((response, Stage::Executed)) => {
                    line.say(ServerMessage::Next { id: &id, payload: &response }).await?;
                }
                Some((response, Stage::Refused)) => {
                    operations.stop(&id);
                    line.say(ServerMessage::Error { id: &id, payload: &response.errors }).await?;
                }
                None => {
                    operations.stop(&id);
                    line.say(ServerMessage::Complete { id: &id }).await?;
                }
            },
            _ = pulse.tick() => line.feel_pulse().await?,
        }
    }
}

/// The socket, and when something was last heard on it.
struct Line {
    socket: WebSocket,
    limits: Limits,
    heard: Instant,
}

impl Line {
    /// Wait for the next message. Nothing is lost when the wait is given up.
    async fn hear(&mut self) -> Result<ClientMessage, Close> {
        loop {
            let message = self.socket.recv().await;
            self.heard = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|_| Close::BadMessage);
                }
                Some(Ok(Message::Binary(_))) => return Err(Close::BadMessage),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Err(Close::Gone),
                Some(Err(_)) => return Err(Close::Unreadable),
            }
        }
    }

    async fn say(&mut self, message: ServerMessage<'_>) -> Result<(), Close> {
        self.send(message.into_message()).await
    }

    /// Ask for a sign of life after a silence, and give up when the question was not answered either.
    async fn feel_pulse(&mut self) -> Result<(), Close> {
        let silence = self.heard.elapsed();
        if silence >= 2 * self.limits.keepalive {
            Err(Close::Gone)
        } else if silence >= self.limits.keepalive / 2 {
            self.send(Message::Ping(Vec::new().into())).await
        } else {
            Ok(())
        }
    }

    async fn hang_up(mut self, close: Close) {
        let Some(frame) = close.into_frame() else { return };
        if self.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        // To drop a socket with something unread in it may take our last message from the other side.
        let unread = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        if time::timeout(FAREWELL, unread).await.is_err() {
            tracing::debug!("a WebSocket was closed without an answer to it");
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Close> {
        match time::timeout(self.limits.send_timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Close::Gone),
        }
    }
}
