//! A service with every user in its own database.

use axum::{Router, routing::get};
use client_graph::mirror::{self, Mirror};
use client_graph::{AuthGraph, layer::CurrentUser};
use sea_orm::Database;

async fn hello(CurrentUser(user): CurrentUser) -> String {
    format!("Hello, {}\n", user.email)
}

/// auth-graph as this service sees it, with a mirror that follows it.
pub async fn auth_graph(
    url: &str,
    database: &str,
    client: [String; 2],
) -> Result<AuthGraph, Box<dyn std::error::Error>> {
    let [id, secret] = client;
    let db = Database::connect(database).await?;
    mirror::migrate(&db).await?;
    let builder = AuthGraph::builder(url).audience("graph").service_client(id, secret.into());
    let auth = builder.mirror(Mirror::new(db)).build()?;
    let following = auth.clone();
    tokio::spawn(async move { following.run_feed(std::future::pending()).await });
    Ok(auth)
}

/// The routes of the service.
pub fn routes(auth: &AuthGraph) -> Router {
    Router::new().route("/hello", get(hello)).layer(auth.layer())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = [std::env::var("CLIENT_ID")?, std::env::var("CLIENT_SECRET")?];
    let auth = auth_graph("http://127.0.0.1:8000", "sqlite://badges.db?mode=rwc", client).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8002").await?;
    Ok(axum::serve(listener, routes(&auth)).await?)
}
