//! The two sockets of a service: one for everyone, and one for operators, with metrics and readiness.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use crate::admission::ConnectionLimits;
use crate::listener::{Timeouts, listen, serve};

/// The sockets that a service listens at.
#[derive(Debug)]
pub struct Listeners {
    /// Socket for everyone.
    pub public: TcpListener,
    /// Socket for operators, if `server.internal_bind` is set.
    pub internal: Option<TcpListener>,
}

/// The routes of a service, for each of its [`Listeners`].
#[derive(Debug)]
pub struct Routers {
    /// Routes for everyone.
    pub public: Router,
    /// Routes for operators. They are not served without a socket for operators.
    pub internal: Router,
}

impl Listeners {
    /// Listens on the address for everyone, and on the address for operators if there is one.
    ///
    /// # Errors
    /// As [`listen`].
    pub async fn bind(public: SocketAddr, internal: Option<SocketAddr>) -> io::Result<Self> {
        let public = listen(public).await?;
        let internal = match internal {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        Ok(Self { public, internal })
    }
}

impl From<TcpListener> for Listeners {
    fn from(public: TcpListener) -> Self {
        Self { public, internal: None }
    }
}

/// Serves both sockets, each as [`serve`] does. The limits are those of the socket for everyone. Operators can ask
/// until the last request is finished.
pub async fn serve_both(
    listeners: Listeners,
    routers: Routers,
    timeouts: Timeouts,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let internal = listeners.internal.map(|listener| {
        let limits = ConnectionLimits::default();
        tokio::spawn(serve(listener, routers.internal, timeouts, limits, std::future::pending()))
    });
    serve(listeners.public, routers.public, timeouts, limits, stop).await;
    if let Some(internal) = internal {
        internal.abort();
    }
}
