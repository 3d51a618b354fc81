//! The messages of the protocol `graphql-transport-ws`, and the codes with which it closes a socket.

use async_graphql::{Response, ServerError};
use axum::extract::ws::{CloseFrame, Message};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request::Payload;

/// A message of the client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: Value,
    },
    Subscribe {
        id: String,
        payload: Payload,
    },
    Complete {
        id: String,
    },
    Ping {
        #[serde(default)]
        payload: Option<Value>,
    },
    Pong {},
}

/// A message of the service.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Next {
        id: &'a str,
        payload: &'a Response,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
}

impl ServerMessage<'_> {
    pub(super) fn into_message(self) -> Message {
        let text = serde_json::to_string(&self).expect("a message has string keys and is written to memory");
        Message::Text(text.into())
    }
}

/// Reason for which the service closes a socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// A frame was too large or malformed.
    Unreadable,
    /// A message does not belong to the protocol.
    BadMessage,
    /// An operation came before the connection was accepted.
    Unauthorized,
    /// The connection was rejected, with the code of the error, or is no longer allowed.
    Forbidden(String),
    /// `connection_init` did not arrive or was not answered in time.
    InitTimeout,
    /// An operation has the identifier of another running operation.
    SubscriberExists,
    /// There was more than one `connection_init`.
    TooManyInits,
    /// No operation ran for too long.
    Idle,
    /// The service stops. Clients come back.
    Restart,
    /// The client has closed the socket. Its close frame must be answered (RFC 6455 section 5.5.1), which the library
    /// does when it is read on.
    ByClient,
    /// The client does not answer, does not read, or has lost the connection. No close frame is sent.
    Gone,
}

impl Close {
    /// Returns the close frame, or `None` when the service sends none of its own.
    pub(super) fn into_frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Unreadable => (1008, "Unreadable or too large".into()),
            Self::BadMessage => (4400, "Invalid message".into()),
            Self::Unauthorized => (4401, "Unauthorized".into()),
            Self::Forbidden(reason) => (4403, reason.into()),
            Self::InitTimeout => (4408, "Connection initialisation timeout".into()),
            Self::SubscriberExists => (4409, "Subscriber already exists".into()),
            Self::TooManyInits => (4429, "Too many initialisation requests".into()),
            Self::Idle => (4408, "No operation was running".into()),
            Self::Restart => (1012, "Service restart".into()),
            Self::ByClient | Self::Gone => return None,
        };
        Some(CloseFrame { code, reason })
    }
}
