//! Serves a router on a socket until it is asked to stop.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;

use crate::admission::{Admission, ConnectionLimits};
use crate::connection;

/// Time limits for clients.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Time that running requests have to finish after a signal to stop.
    pub grace: Duration,
    /// Time after which a connection is closed whose client does not read pending data. A connection without pending
    /// data stays open.
    pub unread: Duration,
    /// Time after which a connection is closed that has sent no further request.
    pub idle: Duration,
}

impl Timeouts {
    /// Returns these two limits, and one minute for clients that do not read.
    #[must_use]
    pub fn new(grace: Duration, idle: Duration) -> Self {
        Self { grace, idle, unread: Duration::from_secs(60) }
    }
}

/// Listens on an address.
///
/// # Errors
/// When the address is not available. The error names the address and what to do.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => ": stop the program that listens there, or choose another port",
            io::ErrorKind::PermissionDenied => ": choose a port from 1024 on",
            _ => "",
        };
        io::Error::new(error.kind(), format!("cannot listen at {address}: {error}{advice}"))
    })
}

/// Serves until `stop` is ready. From then on it accepts no new connection, and finishes the running requests within
/// their grace. Handlers find the address of the client as `ConnectInfo<SocketAddr>`.
pub async fn serve(
    mut listener: TcpListener,
    router: Router,
    timeouts: Timeouts,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    // This is expensive, so that it is not done for each connection.
    let router: Router = router.with_state(());
    let (stopping, stopped) = watch::channel(false);
    let admission = Admission::of_connections(limits);
    let mut stop = pin!(stop);
    loop {
        let (stream, address) = tokio::select! {
            // If it fails, for example because no file can be opened, it logs the error and tries again after a while.
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        // A connection beyond the limit is closed without an answer, which costs nothing.
        let Some(place) = admission.admit(address.ip()) else { continue };
        // Responses are small and complete. Waiting to fill a segment only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(timeouts.unread));
        let (stream, router) = (Box::pin(stream), router.clone());
        // A WebSocket holds its place too, so that the stop waits for it to be closed.
        let place = (place, stopped.clone());
        tokio::spawn(connection::answer(stream, place, address, router, timeouts.idle, stopped.clone()));
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
    async fn the_error_for_an_address_in_use_names_it_and_says_what_to_do() {
        let first = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = first.local_addr().unwrap();
        let refused = listen(address).await.unwrap_err().to_string();
        assert!(refused.contains(&address.to_string()) && refused.contains("choose another port"), "{refused}");
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_are_closed_and_others_are_served() {
        let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let timeouts = Timeouts::new(Duration::from_secs(30), Duration::from_secs(75));
        let limits = ConnectionLimits { per_address: 2, ..ConnectionLimits::default() };
        tokio::spawn(serve(listener, Router::new(), timeouts, limits, std::future::pending()));
        let ask = async |stream: &mut TcpStream| {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: auth.test\r\n\r\n").await?;
            stream.read_u8().await
        };
        let mut open = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            ask(&mut stream).await.unwrap();
            open.push(stream);
        }
        let mut beyond = TcpStream::connect(address).await.unwrap();
        ask(&mut beyond).await.unwrap_err();
        ask(&mut open[0]).await.unwrap();
        // The place is free a moment after the client has closed its connection.
        drop(open.pop());
        while ask(&mut TcpStream::connect(address).await.unwrap()).await.is_err() {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_with_half_a_request_line_is_closed() {
        let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let timeouts = Timeouts::new(Duration::from_secs(30), Duration::from_secs(75));
        tokio::spawn(serve(listener, Router::new(), timeouts, ConnectionLimits::default(), std::future::pending()));
        stream.write_all(b"GET / HT").await.unwrap();
        // The paused time advances when all tasks wait. Here only the service waits, because the network is real.
        let started = tokio::time::Instant::now();
        stream.read_u8().await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(100), "{:?}", started.elapsed());
    }
}
