//! Opens a WebSocket: checks the origin of the page, selects the protocol and limits the size of messages. The module
//! `protocol` serves the open socket. The protocol is `graphql-transport-ws`; its predecessor `graphql-ws` is not
//! supported.

mod connection;
mod message;
mod operations;
mod origin;
mod protocol;

use async_graphql::{ObjectType, Result, SubscriptionType};
use axum::{
    extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    http::HeaderMap,
    response::{IntoResponse, Response as HttpResponse},
};
use errors::{Code, Reason};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tracing::Instrument;

pub use self::connection::Connection;
use crate::{
    Edge,
    response::{MediaType, Refusal},
};

/// Memory that an open socket takes for reading. The default of 128 KiB is for sockets that are always busy.
const READ_BUFFER: usize = 4 * 1024;

/// The only supported protocol.
const PROTOCOL: &str = "graphql-transport-ws";

impl<Q, M, S> Edge<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    /// Answers a GET that opens a WebSocket.
    ///
    /// `origins` are the origins (`https://app.example.com`) whose pages may open a socket. A page of this host always
    /// may, and so may clients that send no `Origin`, because all browsers send it. `init` turns the payload of
    /// `connection_init` into a [`Connection`]. If it fails, the socket is closed with 4403 and the code of the error.
    ///
    /// Headers that resolvers set, such as cookies, are dropped on a socket.
    ///
    /// A GET without an upgrade is answered with 405, a page of another origin with 403, and another protocol with 400.
    pub fn websocket<I, F, C>(
        &self,
        upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
        headers: &HeaderMap,
        origins: &[String],
        init: I,
    ) -> HttpResponse
    where
        I: FnOnce(Value) -> F + Send + 'static,
        F: Future<Output = Result<C>> + Send + 'static,
        C: Into<Connection> + 'static,
    {
        if !headers.contains_key(axum::http::header::UPGRADE) {
            return self.refuse(Refusal::method(), MediaType::Json);
        }
        let upgrade = match upgrade {
            Ok(upgrade) => upgrade,
            Err(rejection) => return rejection.into_response(),
        };
        if !origin::is_allowed(headers, origins) {
            return self.refuse(Refusal::because(Reason::WebsocketOrigin), MediaType::Json);
        }
        let limit = self.limits().body_bytes;
        let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(limit).max_frame_size(limit);
        let upgrade = upgrade.read_buffer_size(READ_BUFFER);
        if upgrade.selected_protocol().is_none() {
            let refusal = Refusal::new(Code::BadRequest, "The WebSocket protocol must be graphql-transport-ws.");
            return self.refuse(refusal, MediaType::Json);
        }
        let edge = self.clone();
        let span = tracing::Span::current();
        upgrade.on_upgrade(move |socket| {
            let init = move |payload| -> BoxFuture<'static, Result<Connection>> {
                Box::pin(async move { init(payload).await.map(Into::into) })
            };
            protocol::run(socket, edge, init).instrument(span)
        })
    }
}
