//! Clients that do not read the response are disconnected.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::stream;
use serving::{ConnectionLimits, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Reports when it is dropped.
struct Answer(UnboundedSender<()>);

impl Drop for Answer {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// Returns a body without an end, like that of a subscription.
fn endless(given_up: UnboundedSender<()>) -> Body {
    Body::from_stream(stream::unfold(Answer(given_up), async |answer| {
        Some((Ok::<_, io::Error>("x".repeat(64 * 1024)), answer))
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_whose_client_never_reads_is_closed() {
    let (given_up, mut was_given_up) = unbounded_channel();
    let router = Router::new().route("/", get(async move || endless(given_up.clone())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let timeouts =
        Timeouts { unread: Duration::from_millis(200), ..Timeouts::new(Duration::ZERO, Duration::from_secs(60)) };
    tokio::spawn(serving::serve(listener, router, timeouts, ConnectionLimits::default(), std::future::pending()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: auth.test\r\n\r\n").await.unwrap();
    let soon = Duration::from_secs(20);
    tokio::time::timeout(soon, was_given_up.recv()).await.expect("the body is dropped at some time").unwrap();
    // The data that was sent before can still be read, and then the connection ends.
    let mut sink = vec![0; 1 << 20];
    let read_to_end = async { while stream.read(&mut sink).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(soon, read_to_end).await.expect("the connection is closed");
}
