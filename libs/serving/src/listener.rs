//! Serving a router on a socket until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;

use crate::connection;

/// Time limits for clients.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Running requests may take so long to finish after a signal to stop.
    pub grace: Duration,
    /// A connection is cut whose other end has taken nothing for so long while there was something to be taken. One on
    /// which nothing is said is not.
    pub unread: Duration,
    /// A connection is closed on which no further request, or no more than a part of its head, has come for so long.
    pub idle: Duration,
}

impl Timeouts {
    /// Returns limits with these two, and one minute for clients that do not read.
    #[must_use]
    pub fn new(grace: Duration, idle: Duration) -> Self {
        Self { grace, idle, unread: Duration::from_secs(60) }
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
pub async fn serve(
    mut listener: TcpListener,
    router: Router,
    timeouts: Timeouts,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    // Here and not for each connection, as it takes its time.
    let router: Router = router.with_state(());
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let (stream, address) = tokio::select! {
            // Says so and tries again after a while when it fails, as it does where no file can be opened.
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        // Answers are small and complete: waiting to fill a segment only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(timeouts.unread));
        let stream = TokioIo::new(Box::pin(stream));
        tokio::spawn(connection::answer(stream, address, router.clone(), timeouts.idle, stopped.clone()));
    }
    tracing::info!("stopping: running requests are finished");
    drop((listener, stopped));
    stopping.send_replace(true);
    if tokio::time::timeout(timeouts.grace, stopping.closed()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn an_address_that_is_taken_is_named_with_what_to_do() {
        let first = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = first.local_addr().unwrap();
        let refused = listen(address).await.unwrap_err().to_string();
        assert!(refused.contains(&address.to_string()) && refused.contains("choose another port"), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_line_ends_in_a_closed_socket() {
        let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let timeouts = Timeouts::new(Duration::from_secs(30), Duration::from_secs(75));
        tokio::spawn(serve(listener, Router::new(), timeouts, std::future::pending()));
        stream.write_all(b"GET / HT").await.unwrap();
        // Time passes when everybody waits: for the service alone here, as the network does not wait for that.
        let started = tokio::time::Instant::now();
        stream.read_u8().await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(100), "{:?}", started.elapsed());
    }
}
