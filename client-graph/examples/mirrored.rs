//! A service with every user in its own database.

use axum::{Router, routing::get};
use client_graph::mirror::{self, Mirror};
use client_graph::{AuthGraph, layer::CurrentUser};
use sea_orm::Database;
use tokio::{net::TcpListener, signal::ctrl_c};

async fn hello(CurrentUser(user): CurrentUser) -> String {
    format!("Hello, {}\n", user.email)
}

/// Returns the connection to auth-graph, with a mirror of its users.
pub async fn auth_graph(
    url: &str,
    database: &str,
    client: [String; 2],
) -> Result<AuthGraph, Box<dyn std::error::Error>> {
    let [id, secret] = client;
    let db = Database::connect(database).await?;
    mirror::migrate(&db).await?;
    let builder = AuthGraph::builder(url).audience("graph").service_client(id, secret.into());
    Ok(builder.mirror(Mirror::new(db)).build()?)
}

/// Returns the routes of the service.
pub fn routes(auth: &AuthGraph) -> Router {
    Router::new().route("/hello", get(hello)).layer(auth.layer())
}

/// Serves and follows the feed until `stop`. Both end cleanly, so that the next process can write the mirror at once.
pub async fn serve<F>(
    auth: &AuthGraph,
    listener: TcpListener,
    stop: impl Fn() -> F,
) -> Result<(), Box<dyn std::error::Error>>
where
    F: Future<Output = ()> + Send + 'static,
{
    let server = axum::serve(listener, routes(auth)).with_graceful_shutdown(stop());
    let (served, followed) = tokio::join!(server.into_future(), auth.run_feed(stop()));
    served?;
    Ok(followed?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = [std::env::var("CLIENT_ID")?, std::env::var("CLIENT_SECRET")?];
    let auth = auth_graph("http://127.0.0.1:8000", "sqlite://badges.db?mode=rwc", client).await?;
    serve(&auth, TcpListener::bind("127.0.0.1:8002").await?, || async { drop(ctrl_c().await) }).await
}
