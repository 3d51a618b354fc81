//! One connection (HTTP/1.1): its requests are answered one after the other, and it is closed when no further one comes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tower::Service;

/// So often a connection is looked at within the time after which it is closed.
const LOOKS: u8 = 4;

/// Answers until the other end hangs up, until it has sent nothing or half a head for `idle`, or until `stopped` is true
/// and the running request has its answer. What a connection was upgraded to is not waited for.
///
/// hyper's own `header_read_timeout` would do the same with a timer for each request, which costs more than looking at the
/// connection now and then.
pub(crate) async fn answer(
    stream: impl Read + Write + Unpin + Send + 'static,
    address: SocketAddr,
    router: Router,
    idle: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let quiet = Quiet::default();
    let seen = quiet.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        let running = seen.end();
        let answer = router.clone().call(request);
        async move { Ok::<_, Infallible>(answer.await?.map(|body| Answer { body, _running: running })) }
    });
    let mut connection = pin!(http1::Builder::new().serve_connection(stream, service).with_upgrades());
    let pause = idle / u32::from(LOOKS);
    let mut look = interval_at(Instant::now() + pause, pause);
    // A process that stood still has heard nothing of what was said meanwhile.
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = pin!(stopped.wait_for(|stopped| *stopped));
    let mut is_stopping = false;
    loop {
        tokio::select! {
            // What has arrived is seen first.
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke off");
                }
                break;
            }
            _ = &mut stop, if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            // The first of them may come at once.
            _ = look.tick() => if quiet.look() > LOOKS { break },
        }
    }
}

/// At how many looks in a row no request was being answered.
#[derive(Clone, Default)]
struct Quiet(Arc<AtomicU8>);

impl Quiet {
    const NEVER: u8 = u8::MAX;

    fn look(&self) -> u8 {
        match self.0.load(Ordering::Relaxed) {
            Self::NEVER => 0,
            before => {
                self.0.store(before + 1, Ordering::Relaxed);
                before + 1
            }
        }
    }

    /// It is not quiet as long as what is returned lives.
    fn end(&self) -> Running {
        self.0.store(Self::NEVER, Ordering::Relaxed);
        Running(self.clone())
    }
}

/// A request that is being answered.
struct Running(Quiet);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.store(0, Ordering::Relaxed);
    }
}

/// The body of an answer; a request is running until it was sent or given up.
struct Answer {
    body: Body,
    _running: Running,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(ctx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::ws::WebSocketUpgrade;
    use axum::routing::get;
    use futures_util::stream;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::time::{sleep, timeout};

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    /// The other end of a connection, and what stops it.
    fn connect() -> (DuplexStream, watch::Sender<bool>) {
        let late = || async {
            sleep(10 * IDLE).await;
            "late"
        };
        let router = Router::new()
            .route("/", get("soon"))
            .route("/late", get(late))
            .route(
                "/events",
                get(async move || Body::from_stream(stream::once(async move { Ok::<_, Infallible>(late().await) }))),
            )
            .route(
                "/socket",
                get(async move |upgrade: WebSocketUpgrade| {
                    upgrade.on_upgrade(async move |mut socket| drop(socket.send(late().await.into()).await))
                }),
            );
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (stopping, stopped) = watch::channel(false);
        tokio::spawn(answer(TokioIo::new(near), ([127, 0, 0, 1], 1).into(), router, IDLE, stopped));
        (far, stopping)
    }

    /// Reads until this was read, or to the end.
    async fn read_until(stream: &mut DuplexStream, awaited: &str) -> String {
        let mut read = Vec::new();
        let reading = async {
            while !String::from_utf8_lossy(&read).ends_with(awaited) && stream.read_buf(&mut read).await.unwrap() > 0 {}
        };
        timeout(20 * IDLE, reading).await.expect("nobody waits for ever");
        String::from_utf8_lossy(&read).into_owned()
    }

    async fn is_closed_after_a_while(stream: &mut DuplexStream) {
        let started = Instant::now();
        assert_eq!(read_until(stream, "no more").await, "");
        assert!((IDLE..2 * IDLE).contains(&started.elapsed()), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_is_not_waited_for_for_ever() {
        for half in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: auth.test\r\nx-slow"] {
            let (mut stream, _stopping) = connect();
            stream.write_all(half.as_bytes()).await.unwrap();
            is_closed_after_a_while(&mut stream).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_further_request_is_closed() {
        let (mut stream, _stopping) = connect();
        for _ in 0..3 {
            sleep(IDLE / 2).await;
            stream.write_all(b"GET / HTTP/1.1\r\nhost: auth.test\r\n\r\n").await.unwrap();
            assert!(read_until(&mut stream, "soon").await.starts_with("HTTP/1.1 200"));
        }
        is_closed_after_a_while(&mut stream).await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_an_answer_is_not_idle() {
        for path in ["/late", "/events", "/socket"] {
            let (mut stream, _stopping) = connect();
            let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
            let request = format!("GET {path} HTTP/1.1\r\nhost: auth.test\r\n{upgrade}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let answer = read_until(&mut stream, "no more").await;
            assert!(answer.contains("late"), "{path}: {answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_request_has_its_answer_before_the_stop() {
        let (mut stream, stopping) = connect();
        stream.write_all(b"GET /late HTTP/1.1\r\nhost: auth.test\r\n\r\n").await.unwrap();
        sleep(IDLE).await;
        stopping.send_replace(true);
        assert!(read_until(&mut stream, "no more").await.ends_with("late"));
        stopping.closed().await;
    }
}
