//! The HTTP service: one list of routes, and the layers around them.
//!
//! A handler translates and calls one function of `engine`, or passes a request to the GraphQL schema. The crate
//! `graphql_edge` implements GraphQL over HTTP.

mod browser;
mod easyjwt;
mod graphql;
mod health;
mod identity;
mod oauth;
mod old_names;
mod pages;
mod remembered;
mod site;
mod socket;
mod well_known;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::middleware::{from_fn, map_request};
use axum::routing::{MethodRouter, get};
use serving::{ConnectionLimits, Routers, Timeouts};

pub use remembered::Remembered;
pub use serving::Listeners;

use crate::tasks;
use engine::app::App;
use model::config::{OldNames, Problems, Profile};
use site::Site;

/// Paths that are often sent with a slash too many at their end.
const PATHS: &[&str] = &["/graphql", "/oauth/token", "/oauth/introspect", "/oauth/revoke"];

/// Returns every route of the service.
///
/// # Errors
/// [`Problems`] when the file of trusted documents cannot be used.
pub fn router(app: &App) -> Result<Router, Problems> {
    router_with(app, &Remembered::new(app))
}

/// Returns every route of the service, with a given cache of answers about tokens.
///
/// # Errors
/// As [`router`].
pub fn router_with(app: &App, remembered: &Remembered) -> Result<Router, Problems> {
    Ok(routes(Site::new(app)?, remembered))
}

fn routes(site: Site, remembered: &Remembered) -> Router {
    let app = &site.app;
    let router = Router::new()
        .route("/.well-known/jwks.json", get(well_known::jwks).layer(browser::public()))
        .route("/.well-known/openid-configuration", get(well_known::discovery).layer(browser::public()))
        .route("/.well-known/oauth-authorization-server", get(well_known::discovery).layer(browser::public()))
        .route("/healthz", get(health::alive));
    let router = if app.config.server.internal_bind.is_some() { router } else { router.merge(for_operators()) };
    let router = router.merge(pages::router(&app.config));
    let router = match app.config.profile {
        Profile::Production => router,
        Profile::Development | Profile::Demo => router.merge(playground::router()),
    };
    // A cached answer takes less time than a span, so the cache is outside of the span.
    let quick = |routes: MethodRouter<Site>| routes.layer(from_fn(serving::in_span)).layer(remembered.clone());
    let operations = quick(get(graphql::get).post(graphql::post).fallback(graphql_edge::method_not_allowed));
    let rest = &app.config.rest;
    let operations = match rest.serves(OldNames::DjangoAuthService) {
        true => operations.layer(map_request(old_names::with_bearer)),
        false => operations,
    };
    let called = oauth::router().merge(old_names::router(rest));
    let called = if rest.enabled { called.merge(easyjwt::router(rest)) } else { called };
    let called = serving::hint_at(called, PATHS).layer(from_fn(serving::in_span));
    let called = called.route("/graphql", operations).route("/oauth/introspect", quick(oauth::introspection()));
    let router = router.layer(from_fn(serving::in_span));
    let router = router.merge(serving::allow_pages(called, &app.config.server.allowed_origins));
    let counting = app.clone();
    let count = move |status: StatusCode, took| counting.metrics.count_request(status.as_u16(), took);
    let server = &app.config.server;
    let router = serving::observed(router, server.request_timeout, &server.trusted_proxies, count);
    router.with_state(site)
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
    let router =
        serving::observed(router, app.config.server.request_timeout, &app.config.server.trusted_proxies, |_, _| {});
    router.with_state(app.clone())
}

/// Serves until `stop` is ready, and then finishes the running requests within the configured grace.
///
/// # Errors
/// As [`router`].
pub async fn serve(
    app: App,
    listeners: impl Into<Listeners>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Problems> {
    let site = Site::new(&app)?;
    let edge = site.edge.clone();
    let routers = Routers { public: routes(site, &Remembered::new(&app)), internal: internal_router(&app) };
    let tasks = tasks::spawn(&app);
    let stop = async move {
        stop.await;
        // Feeds and sockets would otherwise continue until the grace is over.
        edge.stop();
    };
    let server = &app.config.server;
    let timeouts = Timeouts::new(server.shutdown_grace, server.idle_timeout);
    let limits = ConnectionLimits {
        all: server.max_connections,
        per_address: server.max_connections_per_address,
        exempt: server.trusted_proxies.clone(),
    };
    serving::serve_both(listeners.into(), routers, timeouts, limits, stop).await;
    tasks.abort_all();
    Ok(())
}
