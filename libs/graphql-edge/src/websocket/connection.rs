//! An accepted connection of a WebSocket: the data of its operations, its end, and its renewal.

use async_graphql::{Data, Result};
use futures_util::future::{self, BoxFuture};
use serde_json::Value;

/// State of an accepted socket.
pub struct Connection {
    pub(super) data: Data,
    pub(super) ends: BoxFuture<'static, ()>,
    pub(super) renewal: Option<Renewal>,
    pub(super) is_anonymous: bool,
}

/// Builds the next connection from the payload of a `ping`, or returns `None` when the payload contains no new token.
pub(super) type Renewal = Box<dyn Fn(Value) -> BoxFuture<'static, Result<Option<Connection>>> + Send + Sync>;

impl Connection {
    /// Creates a connection whose operations find `data` in their context.
    pub fn new(data: Data) -> Self {
        Self { data, ends: Box::pin(future::pending()), renewal: None, is_anonymous: false }
    }

    /// Closes the socket with code 4408 when it has run no operation for [`crate::Limits::anonymous_idle`]. For callers
    /// without a good token: opening a socket costs them nothing.
    #[must_use]
    pub fn anonymous(self) -> Self {
        Self { is_anonymous: true, ..self }
    }

    /// Closes the socket with code 4403 as soon as `ends` is ready, for example when the token that opened it has
    /// expired.
    #[must_use]
    pub fn until(self, ends: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { ends: Box::pin(ends), ..self }
    }

    /// Lets the client renew the connection in place, with a new token in the payload of a `ping`. Later operations
    /// find the data of the new connection, running operations continue, and the previous end no longer applies. When
    /// `renewal` fails, the socket is closed with 4403 and the code of the error. A payload that was used is not sent
    /// back.
    #[must_use]
    pub fn renewed_by<F>(self, renewal: impl Fn(Value) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Option<Self>>> + Send + 'static,
    {
        Self { renewal: Some(Box::new(move |payload| Box::pin(renewal(payload)))), ..self }
    }
}

impl From<Data> for Connection {
    fn from(data: Data) -> Self {
        Self::new(data)
    }
}
