//! `/graphql`: POST for queries and mutations, WebSocket for all operations.

use std::time::Duration;

use async_graphql::{Data, EmptySubscription};
use axum::body::Body;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use graphql_edge::{Connection, Limits};

use super::Site;
use crate::context::{Caller, Context};
use crate::service::app::App;
use crate::service::graphql::{Mutation, Query, schema};

/// The schema behind its edge.
pub(super) type Edge = graphql_edge::Edge<Query, Mutation, EmptySubscription>;

pub(super) fn edge(app: &App) -> Edge {
    Edge::new(|| schema(app), Limits::default())
}

pub(super) async fn post(State(site): State<Site>, context: Context, headers: HeaderMap, body: Body) -> Response {
    site.app.metrics.count_caller(context.caller());
    site.edge.post(&headers, body, |request| request.data(context)).await
}

/// A socket's caller is known by the member `authorization` of the payload of `connection_init`, in the form of the
/// header of that name. The socket ends with the caller's token: what it may do is not known after that.
pub(super) async fn websocket(
    State(site): State<Site>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    headers: HeaderMap,
) -> Response {
    let app = site.app.clone();
    let origins = &site.app.config.server.allowed_origins;
    site.edge.websocket(upgrade, &headers, origins, async move |payload| {
        let sent = ["authorization", "Authorization"].into_iter().find_map(|name| payload.get(name)?.as_str());
        let mut headers = HeaderMap::new();
        if let Some(value) = sent.and_then(|sent| HeaderValue::try_from(sent).ok()) {
            headers.insert(axum::http::header::AUTHORIZATION, value);
        }
        let context = app.auth.context(&headers).await;
        app.metrics.count_caller(context.caller());
        let lifetime = match context.caller() {
            Caller::Principal(principal) => Some((principal.expires_at - app.clock.now()).to_std().unwrap_or_default()),
            Caller::Anonymous | Caller::Refused(_) => None,
        };
        let mut data = Data::default();
        data.insert(context);
        Ok(Connection::new(data).until(end(lifetime)))
    })
}

async fn end(lifetime: Option<Duration>) {
    match lifetime {
        Some(lifetime) => tokio::time::sleep(lifetime).await,
        None => std::future::pending().await,
    }
}
