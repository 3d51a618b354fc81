//! `/graphql`: POST for queries and mutations, GET for queries if configured, WebSocket for all operations.

use std::net::SocketAddr;

use async_graphql::Data;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::http::header::UPGRADE;
use axum::http::request::Parts;
use axum::response::Response;
use graphql_edge::Connection;
use serving::Place;

use super::site::Site;
use crate::client::{Caller, Context};
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
    parts: Parts,
) -> Response {
    if parts.headers.contains_key(UPGRADE) {
        return websocket(&site, upgrade, &parts);
    }
    site.app.metrics.count_caller(context.caller());
    site.edge.get(&parts.headers, &parts.uri, |request| request.data(context)).await
}

/// Opens a socket, which ends with its caller's token or session. See [`Context::ended`] and [`Context::renewed`].
fn websocket(site: &Site, upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>, parts: &Parts) -> Response {
    let (app, opened_by) = (site.app.clone(), parts.headers.clone());
    let server = &site.app.config.server;
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let address = peer.map(|peer| http_input::client_address(&server.trusted_proxies, peer, &parts.headers));
    // Until the caller is known, the socket counts as one of an anonymous caller.
    let place = match address.map(|address| site.anonymous_sockets.admit(address)) {
        Some(None) => return graphql_edge::too_many_sockets(server.anonymous_socket_idle),
        place => place.flatten(),
    };
    site.edge.websocket(upgrade, &parts.headers, &server.allowed_origins, async move |payload| {
        let context = app.auth.context_of_socket(&opened_by, &payload).await;
        app.metrics.count_caller(context.caller());
        Ok(connection(context, place))
    })
}

/// Builds the connection of a caller. One without a good token holds its place until the socket is closed.
fn connection(context: Context, place: Option<Place>) -> Connection {
    let mut data = Data::default();
    data.insert(context.clone());
    let begun = match context.caller() {
        Caller::Principal(_) => Connection::new(data).until(context.clone().ended()),
        Caller::Anonymous | Caller::Refused(_) => {
            data.insert(place);
            Connection::new(data).anonymous()
        }
    };
    begun.renewed_by(move |payload| {
        let context = context.clone();
        async move {
            let next = context.renewed(&payload).await.map_err(ApiError::from)?;
            Ok(next.map(|next| connection(next, None)))
        }
    })
}
