//! The HTTP service: one list of routes, and the layers around them.
//!
//! A handler translates and calls one function of `auth`, or hands a request to the GraphQL schema. What GraphQL over
//! HTTP asks for is in the crate `graphql_edge`.

mod client_address;
mod graphql;
mod health;
mod identity;
mod observe;
mod well_known;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::config::Profile;
use crate::tasks;

/// What the handlers share.
#[derive(Clone)]
struct Site {
    app: App,
    edge: graphql::Edge,
}

impl axum::extract::FromRef<Site> for App {
    fn from_ref(site: &Site) -> Self {
        site.app.clone()
    }
}

/// Every route of the service.
pub fn router(app: &App) -> Router {
    let site = Site { app: app.clone(), edge: graphql::edge(app) };
    let router = Router::new()
        .route("/graphql", post(graphql::post).get(graphql::websocket).fallback(graphql_edge::method_not_allowed))
        .route("/.well-known/jwks.json", get(well_known::jwks))
        .route("/.well-known/openid-configuration", get(well_known::discovery))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics));
    let router = match app.config.profile {
        Profile::Production => router,
        Profile::Development | Profile::Demo => router.merge(playground::router()),
    };
    router
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(site)
}

/// Serves until `stop` is ready, and then finishes the running requests within the configured grace.
///
/// # Errors
/// When the listener fails.
pub async fn serve(app: App, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let tasks = tasks::spawn(&app);
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let stop = async move {
        stop.await;
        tracing::info!("stopping: running requests are finished");
        // The other end is gone only when serving has failed already.
        let _ = stopping.send(());
    };
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    let service = router(&app).into_make_service_with_connect_info::<SocketAddr>();
    let serving = async { axum::serve(listener, service).with_graceful_shutdown(stop).await };
    let result = tokio::select! {
        result = serving => result,
        () = grace(stopped, app.config.server.shutdown_grace) => {
            tracing::warn!("some requests did not finish in time");
            Ok(())
        }
    };
    tasks.abort_all();
    result
}

async fn grace(stopped: tokio::sync::oneshot::Receiver<()>, grace: Duration) {
    match stopped.await {
        Ok(()) => tokio::time::sleep(grace).await,
        Err(_) => std::future::pending().await,
    }
}
