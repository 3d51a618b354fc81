//! `/graphql`: POST for queries and mutations, GET for queries where it is configured, WebSocket for all operations.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::header::UPGRADE;
use axum::http::request::Parts;
use axum::response::Response;
use graphql_edge::Limits;
use secrecy::SecretString;

use super::browser::browser;
use super::identity::{Bearer, bearer, device};
use super::{Site, socket};
use crate::app::App;
use crate::auth::Refusal;
use crate::graphql::{CREDENTIAL_FIELDS, Caller, Mutation, Query, Subscription, own_documents, schema};

/// The schema behind its edge.
pub(super) type Edge = graphql_edge::Edge<Query, Mutation, Subscription>;

pub(super) fn edge(app: &App) -> Edge {
    let limits = Limits { credential_fields: CREDENTIAL_FIELDS, ..Limits::default() };
    Edge::configured(|| schema(app), limits, app.config.graphql.clone().trusting(own_documents()))
}

pub(super) async fn post(State(site): State<Site>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = identify(&site.app, bearer(&parts.headers)).await;
    site.edge
        .post(&parts.headers, body, |request| {
            request.data(caller).data(device(&site.app, &parts)).data(browser(&site.app, &parts.headers))
        })
        .await
}

/// A GET opens a WebSocket or asks a query. Queries know the header only: what uses the cookie is a mutation.
pub(super) async fn get(
    State(site): State<Site>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: Parts,
) -> Response {
    if parts.headers.contains_key(UPGRADE) {
        return socket::open(&site, upgrade, &parts);
    }
    let caller = identify(&site.app, bearer(&parts.headers)).await;
    let device = device(&site.app, &parts);
    site.edge.get(&parts.headers, &parts.uri, |request| request.data(caller).data(device)).await
}

pub(super) async fn identify(app: &App, bearer: Bearer) -> Caller {
    let token: Option<SecretString> = match bearer {
        Bearer::None => None,
        Bearer::Token(token) => Some(token),
        Bearer::Malformed => return Caller::Refused(Refusal::Invalid),
    };
    Caller::identify(app, token).await
}
