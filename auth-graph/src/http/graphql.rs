//! `/graphql`: POST for queries and mutations, GET for queries where it is configured, WebSocket for all operations.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::header::UPGRADE;
use axum::http::request::Parts;
use axum::response::Response;
use http_input::Bearer;

use super::browser::browser;
use super::identity::{device, identify};
use super::site::Site;
use super::socket;

pub(super) async fn post(State(site): State<Site>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = identify(&site.app, Bearer::of(&parts.headers)).await;
    let (device, browser) = (device(&site.app, &parts), browser(&site.app, &parts.headers));
    site.edge.post(&parts.headers, body, |request| request.data(caller).data(device).data(browser)).await
}

/// Handles a GET, which opens a WebSocket or sends a query. Queries do not use the cookie, because only mutations need
/// it.
pub(super) async fn get(
    State(site): State<Site>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: Parts,
) -> Response {
    if parts.headers.contains_key(UPGRADE) {
        return socket::open(&site, upgrade, &parts);
    }
    let caller = identify(&site.app, Bearer::of(&parts.headers)).await;
    let device = device(&site.app, &parts);
    site.edge.get(&parts.headers, &parts.uri, |request| request.data(caller).data(device)).await
}
