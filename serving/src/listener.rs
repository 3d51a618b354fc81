//! Serving a router on a socket until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_io_timeout::TimeoutStream;

/// How long is waited for others.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Running requests may take so long to finish after a signal to stop.
    pub grace: Duration,
    /// A connection is cut whose other end has taken nothing for so long while there was something to be taken. One on
    /// which nothing is said is not.
    pub unread: Duration,
}

impl Patience {
    /// With this grace, and a minute for those who do not read.
    #[must_use]
    pub fn new(grace: Duration) -> Self {
        Self { grace, unread: Duration::from_secs(60) }
    }
}

/// Takes an address to listen on.
///
/// # Errors
/// When it is not to be had; the error names it, and says what to do.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => ": stop the program that listens there, or choose another port",
            io::ErrorKind::PermissionDenied => ": choose a port from 1024 on",
            _ => "",
        };
        io::Error::new(error.kind(), format!("can not listen at {address}: {error}{advice}"))
    })
}

/// Serves until `stop` is ready, takes no new connection from then on, and finishes the running requests within their
/// grace. Handlers find the address of the other end as `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        stop.await;
        tracing::info!("stopping: running requests are finished");
        // The other end is gone only when serving has failed already.
        let _ = stopping.send(());
    };
    let listener = Patient { listener, unread: patience.unread }.tap_io(|stream| {
        // Answers are small and complete: waiting to fill a segment only delays them.
        if let Err(error) = stream.get_ref().set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = async { axum::serve(listener, service).with_graceful_shutdown(stop).await };
    tokio::select! {
        result = serving => result,
        () = passed(stopped, patience.grace) => {
            tracing::warn!("some requests did not finish in time");
            Ok(())
        }
    }
}

/// Takes connections, and has each fail whose other end does not read.
struct Patient {
    listener: TcpListener,
    unread: Duration,
}

impl Listener for Patient {
    type Io = Pin<Box<TimeoutStream<TcpStream>>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.unread));
        (Box::pin(stream), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

async fn passed(stopped: oneshot::Receiver<()>, grace: Duration) {
    match stopped.await {
        Ok(()) => tokio::time::sleep(grace).await,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_taken_is_named_with_what_to_do() {
        let first = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = first.local_addr().unwrap();
        let refused = listen(address).await.unwrap_err().to_string();
        assert!(refused.contains(&address.to_string()) && refused.contains("choose another port"), "{refused}");
    }
}
