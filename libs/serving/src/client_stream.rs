//! The stream of a client. It limits the time for the head of a request: a client that sends it byte by byte does not
//! keep its connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Time for a head to arrive, from its first byte. The first head of a connection has this time from its beginning.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether a connection waits for the head of a request.
#[derive(Clone, Debug)]
pub(crate) struct Awaiting(Arc<AtomicBool>);

impl Awaiting {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Records that a head has arrived.
    pub(crate) fn arrived(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Awaits the next head when the response was sent. After an upgrade there is none.
    pub(crate) fn after(self, response: Response) -> Response {
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => response,
            _ => response.map(|body| Body::new(Answering { body, awaiting: self })),
        }
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The body of a response, after which the next head is awaited.
struct Answering {
    body: Body,
    awaiting: Awaiting,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.awaiting.0.store(true, Ordering::Release);
    }
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream whose reads fail when a head takes too long.
#[derive(Debug)]
pub(crate) struct ClientStream<S, P> {
    stream: S,
    awaiting: Awaiting,
    deadline: Option<Pin<Box<Sleep>>>,
    /// Its place among the connections, until it is closed. It is still open after it has become a WebSocket.
    _place: P,
}

impl<S, P> ClientStream<S, P> {
    /// Wraps a new connection.
    pub(crate) fn new(stream: S, awaiting: Awaiting, place: P) -> Self {
        Self { stream, awaiting, deadline: Some(Box::pin(sleep(HEAD_TIMEOUT))), _place: place }
    }
}

impl<S: AsyncRead + Unpin, P: Unpin> AsyncRead for ClientStream<S, P> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if !self.awaiting.is_on() {
            self.deadline = None;
        } else if read.is_ready() {
            if buffer.filled().len() > filled {
                self.deadline.get_or_insert_with(|| Box::pin(sleep(HEAD_TIMEOUT)));
            }
        } else if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the head of a request took too long")));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin, P: Unpin> AsyncWrite for ClientStream<S, P> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
