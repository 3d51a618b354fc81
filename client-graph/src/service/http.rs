//! The HTTP service: one list of routes, and the layers around them.
//!
//! A handler translates and calls the schema, the proxy or the library's extractors. The crate `graphql_edge`
//! implements GraphQL over HTTP.

mod graphql;
mod health;
mod site;

use std::time::Duration;

use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use axum::{Json, Router};
use serving::{ConnectionLimits, Listeners, Routers, Timeouts};
use tokio::sync::oneshot;

use super::app::App;
use super::config::Profile;
use crate::client::Context;
use crate::proxy::{Proxy, Refusal};
use site::{OPERATIONS, Site};

/// Interval of the upkeep of metrics.
const UPKEEP: Duration = Duration::from_secs(5);

/// GraphiQL for this service: sign-in goes through the proxy.
const PAGE: playground::Page = playground::Page {
    title: "client-graph",
    endpoint: "/graphql",
    sign_in: "/auth/graphql",
    shared: &[],
    examples: OPERATIONS,
};

/// Returns the routes of the service.
///
/// They must be served with `into_make_service_with_connect_info`, as [`serve`] does: auth-graph limits sign-ins by the
/// client's address.
pub fn router(app: &App) -> Router {
    routes(Site::new(app))
}

fn routes(site: Site) -> Router {
    let app = &site.app;
    let proxy = Proxy::new(app.auth.clone()).trust_networks(app.config.server.trusted_proxies.iter().copied());
    let called = Router::new()
        .route("/graphql", post(graphql::post).get(graphql::get).fallback(graphql_edge::method_not_allowed))
        .route("/api/test/", get(test))
        .layer(app.auth.layer())
        .merge(proxy.router());
    let called = serving::hint_at(called, &["/graphql", "/auth/graphql", "/auth/token/"]);
    let router = serving::allow_pages(called, &app.config.server.allowed_origins).route("/healthz", get(health::alive));
    let router = if app.config.server.internal_bind.is_some() { router } else { router.merge(for_operators()) };
    let router = match app.config.profile {
        Profile::Production => router,
        Profile::Development | Profile::Demo => router.merge(playground::router_with(PAGE)),
    };
    let router = router.layer(from_fn(serving::in_span));
    let metrics = app.metrics.clone();
    let count = move |status: StatusCode, took| metrics.count_request(status.as_u16(), took);
    let server = &app.config.server;
    serving::observed(router, server.request_timeout, &server.trusted_proxies, count).with_state(site)
}

/// Returns the routes that are not for the public.
fn for_operators<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    App: FromRef<S>,
{
    Router::new().route("/readyz", get(health::ready)).route("/metrics", get(health::metrics))
}

/// Returns the routes of the address for operators (`server.internal_bind`).
pub fn internal_router(app: &App) -> Router {
    let router = for_operators().route("/healthz", get(health::alive)).layer(from_fn(serving::in_span));
    serving::observed(router, app.config.server.request_timeout, &app.config.server.trusted_proxies, |_, _| {})
        .with_state(app.clone())
}

/// Serves until `stop` is ready, and then finishes the running requests within the configured time.
pub async fn serve(app: App, listeners: impl Into<Listeners>, stop: impl Future<Output = ()> + Send + 'static) {
    let metrics = app.metrics.clone();
    let upkeep = tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            metrics.upkeep();
        }
    });
    let following = (!app.config.auth.client_id.is_empty()).then(|| {
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(app.auth.run_feed(async { drop(stopped.await) }));
        (stop, task)
    });
    let server = &app.config.server;
    let timeouts = Timeouts::new(server.shutdown_grace, server.idle_timeout);
    let limits = ConnectionLimits {
        all: server.max_connections,
        per_address: server.max_connections_per_address,
        exempt: server.trusted_proxies.clone(),
    };
    let site = Site::new(&app);
    let edge = site.edge.clone();
    let stop = async move {
        stop.await;
        // Sockets would otherwise stay open until the grace is over.
        edge.stop();
    };
    let routers = Routers { public: routes(site), internal: internal_router(&app) };
    serving::serve_both(listeners.into(), routers, timeouts, limits, stop).await;
    upkeep.abort();
    if let Some((stop, task)) = following {
        drop(stop);
        if let Ok(Err(error)) = task.await {
            tracing::warn!(error = ?error, "the feed could not be stopped cleanly");
        }
    }
}

/// Answers signed-in callers only.
async fn test(context: Context) -> Result<Json<&'static str>, Refusal> {
    context.principal()?;
    Ok(Json("success"))
}
