//! The network of an issuer, which can be interrupted while the port stays open.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The state of the network, up or down, for all connections that it accepted.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    down: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
}

pub(super) struct Listener {
    network: Network,
    listener: TcpListener,
}

pub(super) struct Connection {
    network: Network,
    /// Number of cuts when this was accepted: the next cut ends it, even if the network is restored at once.
    cuts: usize,
    stream: TcpStream,
}

impl Network {
    pub(super) fn listen(self, listener: TcpListener) -> Listener {
        Listener { network: self, listener }
    }

    pub(super) fn cut(&self) {
        self.down.store(true, Ordering::Release);
        self.cuts.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn restore(&self) {
        self.down.store(false, Ordering::Release);
    }

    /// Returns the number of cuts.
    pub(super) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Acquire)
    }

    fn is_up(&self) -> bool {
        !self.down.load(Ordering::Acquire)
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            if let Ok((stream, address)) = self.listener.accept().await
                && self.network.is_up()
            {
                let network = self.network.clone();
                return (Connection { cuts: network.cuts(), network, stream }, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connection {
    fn check(&self) -> io::Result<()> {
        let whole = self.network.is_up() && self.network.cuts() == self.cuts;
        if whole { Ok(()) } else { Err(io::ErrorKind::ConnectionReset.into()) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        let outcome = Pin::new(&mut self.stream).poll_read(task, buffer);
        // Data on a connection that was cut in the meantime is lost.
        self.check()?;
        outcome
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}
