//! The page in front of a schema of three fields, to view it and to try a change. The example prints its address.
//!
//! `cargo run -p playground --example serve`

use async_graphql::{Context, Data, EmptyMutation, Object, Schema, Subscription};
use axum::{
    Router,
    body::Body,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, header::AUTHORIZATION},
    response::Response,
    routing::post,
};
use futures_util::{Stream, stream};
use graphql_edge::{Limits, bounded, method_not_allowed};
use playground::Page;
use serde_json::Value;

type Edge = graphql_edge::Edge<Query, EmptyMutation, Subscriptions>;

/// The header `Authorization` of the request, unchanged.
struct Authorization(String);

struct Query;

#[Object]
impl Query {
    async fn greeting(&self, name: Option<String>) -> String {
        format!("Hello, {}!", name.as_deref().unwrap_or("you"))
    }

    /// Returns the header `Authorization`, which shows the token that the page sends.
    async fn authorization(&self, ctx: &Context<'_>) -> Option<String> {
        ctx.data::<Authorization>().ok().map(|sent| sent.0.clone())
    }
}

struct Subscriptions;

#[Subscription]
impl Subscriptions {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }
}

async fn answer(State(edge): State<Edge>, headers: HeaderMap, body: Body) -> Response {
    edge.post(&headers, body, |request| match headers.get(AUTHORIZATION).map(|value| value.to_str()) {
        Some(Ok(value)) => request.data(Authorization(value.to_owned())),
        _ => request,
    })
    .await
}

async fn open(
    State(edge): State<Edge>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    edge.websocket(upgrade, &headers, &[], async |payload: Value| {
        let mut data = Data::default();
        if let Some(value) = payload["authorization"].as_str() {
            data.insert(Authorization(value.to_owned()));
        }
        Ok(data)
    })
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let schema = || bounded(Schema::build(Query, EmptyMutation, Subscriptions));
    let page = Page {
        title: "An example",
        shared: &["Login"],
        examples: &["query Greeting {\n  greeting\n}\n", "subscription Count {\n  count(to: 3)\n}\n"],
        ..Page::default()
    };
    let router = Router::new()
        .route("/graphql", post(answer).get(open).fallback(method_not_allowed))
        .merge(playground::router_with(page))
        .with_state(Edge::new(schema, Limits::default()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router).await
}
