//! A service with one field in two forms: open to everyone, and for signed-in users.

use std::error::Error;
use std::net::SocketAddr;

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use axum::serve::ListenerExt;
use client_graph::AuthGraph;
use client_graph::guard::Authenticated;
use graphql_edge::{Edge, Limits, bounded};
use tokio::net::TcpListener;

struct Open;

#[Object]
impl Open {
    async fn greeting(&self) -> &'static str {
        "Hello"
    }
}

struct Protected;

#[Object]
impl Protected {
    #[graphql(guard = "Authenticated")]
    async fn greeting(&self) -> &'static str {
        "Hello"
    }
}

type OpenEdge = Edge<Open, EmptyMutation, EmptySubscription>;
type ProtectedEdge = Edge<Protected, EmptyMutation, EmptySubscription>;

/// The path of the open field.
pub const OPEN: &str = "/open";
/// The path of the protected field.
pub const PROTECTED: &str = "/protected";
/// The body of the request.
pub const QUESTION: &str = r#"{"query":"{ greeting }"}"#;
/// The expected answer.
pub const ANSWER: &str = r#"{"data":{"greeting":"Hello"}}"#;

/// Serves until the process ends.
///
/// # Errors
/// When the address is taken.
pub async fn serve(address: SocketAddr, auth_graph: &str) -> Result<(), Box<dyn Error>> {
    let auth = AuthGraph::builder(auth_graph).audience("graph").build()?;
    let open = || bounded(Schema::build(Open, EmptyMutation, EmptySubscription));
    let protected = || bounded(Schema::build(Protected, EmptyMutation, EmptySubscription));
    let open = Router::new().route(OPEN, post(answer_anybody)).with_state(Edge::new(open, Limits::default()));
    let protected = Router::new()
        .route(PROTECTED, post(answer_the_signed_in))
        .with_state((Edge::new(protected, Limits::default()), auth));
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        // The other servers set this option too.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, open.merge(protected)).await?;
    Ok(())
}

async fn answer_anybody(State(edge): State<OpenEdge>, headers: HeaderMap, body: Body) -> Response {
    edge.post(&headers, body, |request| request).await
}

async fn answer_the_signed_in(
    State((edge, auth)): State<(ProtectedEdge, AuthGraph)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let context = auth.context(&headers).await;
    edge.post(&headers, body, |request| request.data(context)).await
}
