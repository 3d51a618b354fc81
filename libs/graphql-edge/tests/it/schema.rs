//! A small schema with its router, and helpers that send requests to it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{Any, Context, Data, Error, ErrorExtensions, Object, Result, Schema, Subscription};
use axum::{
    Router,
    body::Body,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, Method, Request, StatusCode, Uri, header},
    response::Response,
    routing::post,
};
use futures_util::{Stream, stream};
use graphql_edge::{Connection, Limits, Settings, bounded, method_not_allowed};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

pub(crate) type Edge = graphql_edge::Edge<Query, Mutation, Subscriptions>;

/// Number of executed mutations.
#[derive(Clone, Default)]
pub(crate) struct Executed(Arc<AtomicUsize>);

impl Executed {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Number of accepted sockets that are still open.
#[derive(Clone, Default)]
pub(crate) struct OpenSockets(watch::Sender<usize>);

impl OpenSockets {
    fn enter(&self) -> OpenSocket {
        self.0.send_modify(|sockets| *sockets += 1);
        OpenSocket(self.clone())
    }

    pub(crate) fn watch(&self) -> watch::Receiver<usize> {
        self.0.subscribe()
    }
}

/// Part of the data of a connection. Dropping it means that the socket was closed.
struct OpenSocket(OpenSockets);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.0.send_modify(|sockets| *sockets -= 1);
    }
}

/// Name of the caller, which the HTTP handler or `connection_init` sets.
pub(crate) struct Caller(pub(crate) String);

pub(crate) struct Query;

#[Object]
impl Query {
    async fn greeting(&self, name: Option<String>) -> String {
        format!("Hello, {}", name.unwrap_or_default())
    }

    async fn caller(&self, ctx: &Context<'_>) -> Option<String> {
        ctx.data::<Caller>().ok().map(|caller| caller.0.clone())
    }

    async fn short(&self, #[graphql(validator(max_length = 3))] text: String) -> String {
        text
    }

    async fn named(&self, representations: Vec<Any>) -> Vec<String> {
        representations.iter().map(|any| any.0.to_string()).collect()
    }

    async fn twice(&self, number: i32) -> i32 {
        2 * number
    }

    async fn tree(&self) -> Tree {
        Tree
    }

    async fn cookies(&self, ctx: &Context<'_>) -> bool {
        ctx.append_http_header("set-cookie", "one=1");
        ctx.append_http_header("set-cookie", "two=2");
        true
    }

    async fn leak(&self) -> Result<bool> {
        Err(std::io::Error::other("the password of the database is hunter2"))?;
        Ok(true)
    }

    async fn coded(&self) -> Result<bool> {
        Err(Error::new("No").extend_with(|_, extensions| extensions.set("code", "NOT_FOUND")))
    }
}

pub(crate) struct Tree;

#[Object]
impl Tree {
    async fn tree(&self) -> Self {
        Self
    }

    async fn leaf(&self) -> i32 {
        1
    }

    async fn login(&self) -> i32 {
        2
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn login(&self, ctx: &Context<'_>, password: String) -> Result<bool> {
        ctx.data::<Executed>()?.0.fetch_add(1, Ordering::SeqCst);
        Ok(password == "right")
    }

    async fn refresh(&self, ctx: &Context<'_>) -> Result<bool> {
        ctx.data::<Executed>()?.0.fetch_add(1, Ordering::SeqCst);
        Ok(true)
    }
}

pub(crate) struct Subscriptions;

#[Subscription]
impl Subscriptions {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    async fn never(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    async fn refused(&self) -> Result<stream::Pending<i32>> {
        Err(Error::new("No").extend_with(|_, extensions| extensions.set("code", "UNAUTHENTICATED")))
    }
}

/// The router of a service, and its counters.
pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) edge: Edge,
    pub(crate) executed: Executed,
    pub(crate) present: OpenSockets,
}

pub(crate) fn service() -> Service {
    service_with(limits())
}

pub(crate) fn limits() -> Limits {
    Limits { credential_fields: &["login", "refresh"], ..Limits::default() }
}

pub(crate) fn service_with(limits: Limits) -> Service {
    service_configured(limits, Settings::default())
}

pub(crate) fn service_configured(limits: Limits, settings: Settings) -> Service {
    let (executed, present) = (Executed::default(), OpenSockets::default());
    let schema = || bounded(Schema::build(Query, Mutation, Subscriptions)).data(executed.clone());
    let edge = Edge::configured(schema, limits, settings);
    let router = router(&edge, &present);
    Service { router, edge, executed, present }
}

fn router(edge: &Edge, present: &OpenSockets) -> Router {
    Router::new()
        .route("/graphql", post(answer).get(open).fallback(method_not_allowed))
        .with_state((edge.clone(), present.clone()))
}

async fn answer(State((edge, _)): State<(Edge, OpenSockets)>, headers: HeaderMap, body: Body) -> Response {
    edge.post(&headers, body, |request| request.data(Caller("http".to_owned()))).await
}

async fn open(
    State((edge, present)): State<(Edge, OpenSockets)>,
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !headers.contains_key(header::UPGRADE) {
        return edge.get(&headers, &uri, |request| request.data(Caller("http".to_owned()))).await;
    }
    let origins = ["https://app.example.com".to_owned()];
    edge.websocket(upgrade, &headers, &origins, async move |payload: Value| {
        match payload["token"].as_str() {
            Some("good") | None => {
                let mut data = Data::default();
                data.insert(Caller("socket".to_owned()));
                data.insert(present.enter());
                Ok(Connection::new(data))
            }
            Some("nobody") => Ok(Connection::new(Data::default()).anonymous()),
            // A token that expires immediately after it was accepted.
            Some("brief") => Ok(Connection::new(Data::default()).until(async {})),
            Some("slow") => std::future::pending().await,
            Some(_) => Err(Error::new("No").extend_with(|_, extensions| extensions.set("code", "TOKEN_INVALID"))),
        }
    })
}

/// A complete response.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// Returns the code of the first error.
    pub(crate) fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or("no code")
    }

    pub(crate) fn message(&self) -> &str {
        self.body["errors"][0]["message"].as_str().unwrap_or("no message")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Service {
    /// Calls this with the code of every error.
    pub(crate) fn counting(self, on_error: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let edge = self.edge.counting_errors(on_error);
        Self { router: router(&edge, &self.present), edge, ..self }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a POST with this body.
    pub(crate) async fn post(&self, body: impl Into<Body>) -> Answer {
        self.send(post_request().body(body.into()).unwrap()).await
    }

    /// Sends a POST with this document.
    pub(crate) async fn query(&self, document: &str) -> Answer {
        self.post(json!({ "query": document }).to_string()).await
    }
}

pub(crate) fn post_request() -> axum::http::request::Builder {
    Request::builder().method(Method::POST).uri("/graphql").header(header::CONTENT_TYPE, "application/json")
}
