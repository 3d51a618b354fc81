//! `/graphql`: POST for queries and mutations, GET for queries if configured, WebSocket for all operations.

use async_graphql::Data;
use axum::body::Body;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::UPGRADE;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use graphql_edge::Connection;

use super::site::Site;
use crate::client::Context;
use crate::error::ApiError;

pub(super) async fn post(State(site): State<Site>, context: Context, headers: HeaderMap, body: Body) -> Response {
    site.app.metrics.count_caller(context.caller());
    site.edge.post(&headers, body, |request| request.data(context)).await
}

/// Opens a WebSocket or answers a query.
pub(super) async fn get(
    State(site): State<Site>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    context: Context,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    if headers.contains_key(UPGRADE) {
        return websocket(&site, upgrade, &headers);
    }
    site.app.metrics.count_caller(context.caller());
    site.edge.get(&headers, &uri, |request| request.data(context)).await
}

/// Opens a socket, which ends with its caller's token or session. See [`Context::ended`] and [`Context::renewed`].
fn websocket(
    site: &Site,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    headers: &HeaderMap,
) -> Response {
    let (app, opened_by) = (site.app.clone(), headers.clone());
    let origins = &site.app.config.server.allowed_origins;
    site.edge.websocket(upgrade, headers, origins, async move |payload| {
        let context = app.auth.context_of_socket(&opened_by, &payload).await;
        app.metrics.count_caller(context.caller());
        Ok(connection(context))
    })
}

fn connection(context: Context) -> Connection {
    let mut data = Data::default();
    data.insert(context.clone());
    let ends = context.clone().ended();
    Connection::new(data).until(ends).renewed_by(move |payload| {
        let context = context.clone();
        async move { Ok(context.renewed(&payload).await.map_err(ApiError::from)?.map(connection)) }
    })
}
