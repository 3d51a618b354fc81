//! A connection on which a WebSocket runs: the data of its operations, its end, and its renewal.

use async_graphql::{Data, Result};
use futures_util::future::{self, BoxFuture};
use serde_json::Value;

/// State of a socket that was accepted.
pub struct Connection {
    pub(super) data: Data,
    pub(super) ends: BoxFuture<'static, ()>,
    pub(super) renewal: Option<Renewal>,
}

/// Makes the connection that follows, of the payload of a `ping`; none when it has nothing new.
pub(super) type Renewal = Box<dyn Fn(Value) -> BoxFuture<'static, Result<Option<Connection>>> + Send + Sync>;

impl Connection {
    /// A connection whose operations find `data` in their context.
    pub fn new(data: Data) -> Self {
        Self { data, ends: Box::pin(future::pending()), renewal: None }
    }

    /// Close the socket, with code 4403, as soon as `ends` is ready: when the token that opened it has expired or its
    /// session was revoked.
    #[must_use]
    pub fn until(self, ends: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { ends: Box::pin(ends), ..self }
    }

    /// Let the other side renew the connection in place, with a new token in the payload of a `ping`: operations that
    /// begin later find the data of the new connection, those that run go on, and the old end does not come. When
    /// `renewal` fails the socket is closed with 4403 and the code of the error. A payload that was used is not sent
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
