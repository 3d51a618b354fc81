//! One connection (HTTP/1.1). Its requests are answered one after the other, and it is closed when no further request
//! arrives.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Version;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower::Service;

use crate::client_stream::{Awaiting, ClientStream};
use crate::fallback;

/// Answers requests until the client closes the connection, until it has sent nothing for `idle` or only a part of a
/// head for too long, or until `stopped` is true and the running request is answered. It does not wait for an upgraded
/// connection.
pub(crate) async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    place: impl Unpin + Send + 'static,
    address: SocketAddr,
    router: Router,
    idle: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let awaiting = Awaiting::new();
    let stream = TokioIo::new(ClientStream::new(stream, awaiting.clone(), place));
    let service = service_fn(move |mut request: Request<Incoming>| {
        awaiting.arrived();
        request.extensions_mut().insert(ConnectInfo(address));
        let answering = names_its_host(&request).then(|| router.clone().call(request));
        let awaiting = awaiting.clone();
        async move {
            let response = match answering {
                Some(answering) => answering.await?,
                None => fallback::without_host(),
            };
            Ok::<_, Infallible>(awaiting.after(response))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(idle);
    let mut connection = pin!(http.serve_connection(stream, service).with_upgrades());
    let stop = async { drop(stopped.wait_for(|stopped| *stopped).await) };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Returns whether a request has one header `Host` with a valid value, which HTTP/1.1 demands (RFC 9112 section 3.2).
/// Two programs could read different hosts out of another one.
fn names_its_host(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() == Version::HTTP_10,
        (Some(host), None) => {
            host.is_empty() || Authority::try_from(host.as_bytes()).is_ok_and(|it| !it.as_str().contains('@'))
        }
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::ws::WebSocketUpgrade;
    use axum::routing::get;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::client_stream::HEAD_TIMEOUT;

    const IDLE: Duration = Duration::from_secs(60);

    /// Opens a connection, and returns its client side and the sender that stops it.
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
        tokio::spawn(answer(near, (), ([127, 0, 0, 1], 1).into(), router, IDLE, stopped));
        (far, stopping)
    }

    /// Reads until the awaited text, or to the end.
    async fn read_until(stream: &mut DuplexStream, awaited: &str) -> String {
        let mut read = Vec::new();
        let reading = async {
            while !String::from_utf8_lossy(&read).ends_with(awaited) && stream.read_buf(&mut read).await.unwrap() > 0 {}
        };
        timeout(20 * IDLE, reading).await.expect("the connection is closed at some time");
        String::from_utf8_lossy(&read).into_owned()
    }

    async fn is_closed_after(time: Duration, stream: &mut DuplexStream) {
        let started = Instant::now();
        assert_eq!(read_until(stream, "no more").await, "");
        assert!((time..time + Duration::from_secs(1)).contains(&started.elapsed()), "{:?}", started.elapsed());
    }

    const WHOLE: &str = "GET / HTTP/1.1\r\nhost: auth.test\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_half_a_request_is_closed() {
        for half in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: auth.test\r\nx-slow"] {
            let (mut stream, _stopping) = connect();
            stream.write_all(half.as_bytes()).await.unwrap();
            is_closed_after(HEAD_TIMEOUT, &mut stream).await;
            // The same for a later request, for which a connection may wait for longer.
            let (mut stream, _stopping) = connect();
            stream.write_all(WHOLE.as_bytes()).await.unwrap();
            read_until(&mut stream, "soon").await;
            sleep(3 * HEAD_TIMEOUT).await;
            stream.write_all(half.as_bytes()).await.unwrap();
            let time = if half.is_empty() { IDLE - 3 * HEAD_TIMEOUT } else { HEAD_TIMEOUT };
            is_closed_after(time, &mut stream).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_byte_by_byte_does_not_keep_a_connection() {
        let (mut stream, _stopping) = connect();
        let slowly = async {
            for byte in WHOLE.bytes() {
                sleep(HEAD_TIMEOUT / 20).await;
                stream.write_all(&[byte]).await?;
            }
            Ok::<_, std::io::Error>(())
        };
        slowly.await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_further_request_is_closed() {
        let (mut stream, _stopping) = connect();
        for _ in 0..3 {
            stream.write_all(WHOLE.as_bytes()).await.unwrap();
            assert!(read_until(&mut stream, "soon").await.starts_with("HTTP/1.1 200"));
            sleep(IDLE / 2).await;
        }
        stream.write_all(WHOLE.as_bytes()).await.unwrap();
        read_until(&mut stream, "soon").await;
        is_closed_after(IDLE, &mut stream).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_waits_for_an_answer_is_not_idle() {
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
    async fn a_request_without_one_good_host_is_answered_with_400() {
        for (head, status) in [
            ("HTTP/1.1\r\nhost: auth.test", "200"),
            ("HTTP/1.1\r\nhost: [2001:db8::1]:8000", "200"),
            ("HTTP/1.1\r\nhost:", "200"),
            ("HTTP/1.0", "200"),
            ("HTTP/1.0\r\nhost: auth.test", "200"),
            ("HTTP/1.1", "400"),
            ("HTTP/1.1\r\nhost: auth.test\r\nhost: auth.test", "400"),
            ("HTTP/1.0\r\nhost: auth.test\r\nhost: evil.test", "400"),
            ("HTTP/1.1\r\nhost: auth.test, evil.test", "400"),
            ("HTTP/1.1\r\nhost: auth.test/path", "400"),
            ("HTTP/1.1\r\nhost: user@auth.test", "400"),
            ("HTTP/1.1\r\nhost: http://auth.test", "400"),
        ] {
            let (mut stream, _stopping) = connect();
            stream.write_all(format!("GET / {head}\r\n\r\n").as_bytes()).await.unwrap();
            let answer = read_until(&mut stream, if status == "200" { "soon" } else { "no more" }).await;
            assert_eq!(&answer[9..12], status, "{head}: {answer}");
            assert_eq!(answer.contains("BAD_REQUEST"), status == "400", "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_request_is_answered_before_the_stop() {
        let (mut stream, stopping) = connect();
        stream.write_all(b"GET /late HTTP/1.1\r\nhost: auth.test\r\n\r\n").await.unwrap();
        sleep(IDLE).await;
        stopping.send_replace(true);
        assert!(read_until(&mut stream, "no more").await.ends_with("late"));
        stopping.closed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_wait_for_idle_connections() {
        for said in ["", WHOLE] {
            let (mut stream, stopping) = connect();
            stream.write_all(said.as_bytes()).await.unwrap();
            if !said.is_empty() {
                read_until(&mut stream, "soon").await;
            }
            let asked = Instant::now();
            stopping.send_replace(true);
            stopping.closed().await;
            assert!(asked.elapsed() < Duration::from_secs(1), "{said:?}: {:?}", asked.elapsed());
        }
    }
}
