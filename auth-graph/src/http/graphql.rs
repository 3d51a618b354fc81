//! `/graphql`: POST for queries and mutations, GET for queries where it is configured, WebSocket for all operations.

use async_graphql::Data;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::header::UPGRADE;
use axum::http::request::Parts;
use axum::response::Response;
use graphql_edge::{Connection, Limits};
use secrecy::SecretString;

use super::Site;
use super::browser::browser;
use super::identity::{Bearer, bearer, bearer_value, device};
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
        return websocket(&site, upgrade, &parts);
    }
    let caller = identify(&site.app, bearer(&parts.headers)).await;
    let device = device(&site.app, &parts);
    site.edge.get(&parts.headers, &parts.uri, |request| request.data(caller).data(device)).await
}

/// A socket's caller is known by the member `authorization` of the payload of `connection_init`, in the form of the
/// header of that name. Cookies count for nothing here, as a page of another site could open a socket with them.
fn websocket(site: &Site, upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>, parts: &Parts) -> Response {
    let app = site.app.clone();
    let device = device(&app, parts);
    let origins = &site.app.config.server.allowed_origins;
    site.edge.websocket(upgrade, &parts.headers, origins, async move |payload| {
        let sent = ["authorization", "Authorization"].into_iter().find_map(|name| payload.get(name)?.as_str());
        let caller = identify(&app, sent.map_or(Bearer::None, bearer_value)).await;
        let mut data = Data::default();
        data.insert(caller);
        data.insert(device);
        Ok(Connection::new(data))
    })
}

async fn identify(app: &App, bearer: Bearer) -> Caller {
    let token: Option<SecretString> = match bearer {
        Bearer::None => None,
        Bearer::Token(token) => Some(token),
        Bearer::Malformed => return Caller::Refused(Refusal::Invalid),
    };
    Caller::identify(app, token).await
}
