//! A service for signed-in callers.

use axum::{Router, routing::get};
use client_graph::{AuthGraph, layer::Authenticated};

async fn hello(Authenticated(principal): Authenticated) -> String {
    format!("Hello, {}\n", principal.subject)
}

/// Returns the routes of the service.
pub fn routes(auth: &AuthGraph) -> Router {
    Router::new().route("/hello", get(hello)).layer(auth.layer())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = AuthGraph::builder("http://127.0.0.1:8000").audience("graph").build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8002").await?;
    Ok(axum::serve(listener, routes(&auth)).await?)
}
