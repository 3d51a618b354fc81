//! The layer around every request. It assigns an identifier, counts and logs the request, and adds security headers for
//! browsers. A handler that panics ends only its own request.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ipnet::IpNet;
use tower::Service;
use tower::layer::layer_fn;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::fallback;

/// Header with the trace that a request belongs to (W3C Trace Context).
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Identifier of a request in the log and in the response. It is in the extensions of the request.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

/// The line in the log for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestLines {
    /// A line is logged for each request.
    Logged,
    /// Only the requests that end with a failure of the service are logged, or those that the filter asks for.
    AsFiltered,
}

/// Identifier of the trace that a request belongs to, as the caller sent it.
#[derive(Clone, Debug)]
struct TraceId(String);

impl RequestId {
    /// Returns the identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl From<bool> for RequestLines {
    /// Returns the value of a setting that is true if a line is logged for each request.
    fn from(is_logged: bool) -> Self {
        if is_logged { Self::Logged } else { Self::AsFiltered }
    }
}

/// Returns a filter of the log, with the lines of requests if these are logged.
#[must_use]
pub fn filter(filter: &str, lines: RequestLines) -> String {
    match lines {
        // The lines are logged by this module, with the level debug.
        RequestLines::Logged => format!("{filter},{}=debug", module_path!()),
        RequestLines::AsFiltered => filter.to_owned(),
    }
}

/// Wraps every route of a router. A request that is not answered within `deadline` gets 503 and the code `UNAVAILABLE`.
/// `count` receives the status and the duration of each response. The identifier of a request is the one in its header
/// `X-Request-Id` if it comes from a network of `trusted`. Any other caller could choose that of another request, and
/// mislead readers of the log and of the audit log.
///
/// Log lines of routes contain the identifier of their request if [`in_span`] is around the routes.
pub fn observed<S, C>(router: Router<S>, deadline: Duration, trusted: &[IpNet], count: C) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    C: Fn(StatusCode, Duration) + Clone + Send + Sync + 'static,
{
    let trusted: Arc<[IpNet]> = trusted.into();
    router.layer(layer_fn(move |inner| Observed { inner, deadline, trusted: trusted.clone(), count: count.clone() }))
}

/// Layer for routes, with which their log lines contain the identifier of the request.
pub async fn in_span(request: Request, next: Next) -> Response {
    let span = span(request.extensions());
    next.run(request).instrument(span).await
}

/// Returns the span with the identifier of a request.
fn span(extensions: &Extensions) -> Span {
    match extensions.get::<RequestId>() {
        // The fields of a span are formatted when it begins, even if nothing is logged within it. Therefore it has only
        // these.
        Some(id) => {
            let trace_id = extensions.get::<TraceId>().map(|trace| trace.0.as_str());
            tracing::info_span!("request", id = %id.as_str(), trace_id)
        }
        None => Span::none(),
    }
}

/// The wrapped service. It is written by hand, because `axum::middleware::from_fn` needs four boxes instead of one.
#[derive(Clone)]
struct Observed<S, C> {
    inner: S,
    deadline: Duration,
    trusted: Arc<[IpNet]>,
    count: C,
}

impl<S, C> Service<Request> for Observed<S, C>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
    C: Fn(StatusCode, Duration) + Clone + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let started = Instant::now();
        let id = request_id(&request, &self.trusted);
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let trace = trace_id(request.headers());
        request.extensions_mut().insert(id.clone());
        if let Some(trace) = &trace {
            request.extensions_mut().insert(trace.clone());
        }
        let answered = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let (count, deadline) = (self.count.clone(), self.deadline);
        Box::pin(async move {
            let mut response = match tokio::time::timeout(deadline, answered).await {
                Ok(Ok(answer)) => fallback::worded(answer?),
                Ok(Err(panic)) => fallback::panicked(id.as_str(), panic.as_ref()),
                Err(_) => fallback::late(),
            };
            let (status, took) = (response.status(), started.elapsed());
            count(status, took);
            // Only the path is logged, because a query string may contain secrets.
            let (id_text, path) = (id.as_str(), uri.path());
            let trace_id = trace.as_ref().map(|trace| trace.0.as_str());
            if status.is_server_error() {
                tracing::warn!(id = id_text, trace_id, %method, path, status = status.as_u16(), ?took, "answered");
            } else {
                tracing::debug!(id = id_text, trace_id, %method, path, status = status.as_u16(), ?took, "answered");
            }
            complete(response.headers_mut(), id);
            Ok(response)
        })
    }
}

/// Adds the headers of every response.
fn complete(headers: &mut HeaderMap, id: RequestId) {
    headers.insert(REQUEST_ID, id.0);
    for (name, value) in
        [(X_CONTENT_TYPE_OPTIONS, "nosniff"), (REFERRER_POLICY, "no-referrer"), (X_FRAME_OPTIONS, "DENY")]
    {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Returns the identifier that a trusted caller sent if it is safe for the log, else a new one.
fn request_id(request: &Request, trusted: &[IpNet]) -> RequestId {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let is_trusted = peer.is_some_and(|peer| trusted.iter().any(|network| network.contains(&peer)));
    let good = |id: &&HeaderValue| {
        let id = id.as_bytes();
        (1..=64).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    let given = request.headers().get(REQUEST_ID).filter(|_| is_trusted).filter(good);
    RequestId(given.cloned().unwrap_or_else(new_id))
}

/// Returns the trace of the header, if it has the form `00-<32 digits>-<16 digits>-<2 digits>` (W3C Trace Context 3.2).
fn trace_id(headers: &HeaderMap) -> Option<TraceId> {
    let text = headers.get(TRACE_PARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let mut digits = |length: usize| {
        parts.next().filter(|part| part.len() == length && part.bytes().all(|byte| b"0123456789abcdef".contains(&byte)))
    };
    let (version, trace, _, _) = (digits(2)?, digits(32)?, digits(16)?, digits(2)?);
    (version != "ff" && trace.bytes().any(|byte| byte != b'0')).then(|| TraceId(trace.to_owned()))
}

/// Returns a new identifier: a hash of a counter with the random key of this process. It does not show how many
/// requests there are. A random number for each request would cost more than all the rest.
fn new_id() -> HeaderValue {
    static PROCESS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let id = Uuid::from_u64_pair(PROCESS.hash_one((number, 0)), PROCESS.hash_one((number, 1))).simple();
    HeaderValue::from_str(id.encode_lower(&mut Uuid::encode_buffer())).expect("it contains only digits")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::AtomicU16;

    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_answered_with_a_code() {
        let router: Router = Router::new().route("/", get(std::future::pending::<()>));
        let router = observed(router, Duration::from_secs(10), &[], |_, took| assert!(took < Duration::from_secs(1)));
        let started = tokio::time::Instant::now();
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 10);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "1");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("UNAVAILABLE"));
    }

    #[test]
    fn the_trace_of_a_request_is_read_from_its_header() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        for (header, expected) in [
            (format!("00-{trace}-b7ad6b7169203331-01"), Some(trace)),
            (format!("01-{trace}-b7ad6b7169203331-01-more"), Some(trace)),
            (format!("ff-{trace}-b7ad6b7169203331-01"), None),
            (format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)), None),
            (format!("00-{}-b7ad6b7169203331-01", trace.to_uppercase()), None),
            (format!("00-{trace}-b7ad6b7169203331"), None),
            ("00-a\u{e4}".to_owned(), None),
            (String::new(), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(TRACE_PARENT, HeaderValue::from_bytes(header.as_bytes()).unwrap());
            assert_eq!(trace_id(&headers).map(|trace| trace.0).as_deref(), expected, "{header}");
        }
    }

    #[tokio::test]
    async fn a_panic_ends_its_request_with_a_code_and_is_counted() {
        let seen = Arc::new(AtomicU16::new(0));
        let counted = seen.clone();
        let router: Router = Router::new().route(
            "/",
            get(|| async {
                assert!(std::hint::black_box(false), "a secret detail");
            }),
        );
        let router = observed(router, Duration::from_secs(10), &[], move |status, _| {
            counted.store(status.as_u16(), Ordering::Relaxed)
        });
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(seen.load(Ordering::Relaxed), 500);
        assert_eq!(response.headers()["x-frame-options"], "DENY");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("INTERNAL") && !body.contains("secret detail"), "{body}");
    }

    /// A caller could name the request of another caller, and the audit log would show it.
    #[test]
    fn only_a_trusted_caller_chooses_the_identifier_of_a_request() {
        let trusted: [IpNet; 2] = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap());
        let id_of = |peer: Option<&str>, id: &str| {
            let mut request = Request::get("/").header("x-request-id", id).body(Body::empty()).unwrap();
            if let Some(peer) = peer {
                request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4000)));
            }
            request_id(&request, &trusted).as_str().to_owned()
        };
        for proxy in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
            assert_eq!(id_of(Some(proxy), "from-the-proxy.1"), "from-the-proxy.1");
        }
        for other in [Some("192.0.2.1"), Some("2001:db9::1"), None] {
            assert_eq!(id_of(other, "mine-1").len(), 32, "{other:?}");
        }
        for bad in ["", "two words", "new\tline", "\"forged line", &"x".repeat(65)] {
            assert_eq!(id_of(Some("10.1.2.3"), bad).len(), 32, "{bad}");
        }
    }

    #[test]
    fn identifiers_are_unique_and_do_not_count_the_requests() {
        let ids: Vec<u128> = (0..1000).map(|_| u128::from_str_radix(new_id().to_str().unwrap(), 16).unwrap()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 1000);
        assert!(ids.windows(2).all(|pair| pair[0].abs_diff(pair[1]) > u128::from(u64::MAX)));
    }
}
