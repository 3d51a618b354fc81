//! WebSockets: the caller of a connection, its end, and its renewal with a new token.
//!
//! The token arrives in the member `authorization` of the payload of `connection_init`, in the form of the header of
//! that name; a new token arrives in the payload of a `ping`. Cookies are ignored here, as a page of another site could
//! open a socket with them.

use async_graphql::Data;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::request::Parts;
use axum::response::Response;
use graphql_edge::Connection;
use http_input::Bearer;
use serde_json::Value;

use super::identity::{device, identify};
use super::site::Site;
use crate::graphql::{ApiError, Caller};
use engine::app::App;
use engine::callers::Device;
use engine::callers::Presence;
use model::error::{Error, Result};

pub(super) fn open(
    site: &Site,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: &Parts,
) -> Response {
    let app = site.app.clone();
    let device = device(&app, parts);
    let origins = &site.app.config.server.allowed_origins;
    site.edge.websocket(upgrade, &parts.headers, origins, async move |payload| {
        let caller = sender(&app, &payload).await.unwrap_or(Caller::Anonymous);
        let presence = match &caller {
            Caller::Principal(principal) => Some(Presence::new(principal.clone())),
            Caller::Anonymous | Caller::Refused(_) => None,
        };
        Ok(connection(app, caller, presence, device))
    })
}

fn connection(app: App, caller: Caller, presence: Option<Presence>, device: Device) -> Connection {
    let mut data = Data::default();
    data.insert(caller);
    data.insert(device.clone());
    let begun = match &presence {
        Some(presence) => {
            data.insert(presence.clone());
            Connection::new(data).until(presence.clone().ended(app.clone()))
        }
        None => Connection::new(data),
    };
    begun.renewed_by(move |payload| {
        let (app, presence, device) = (app.clone(), presence.clone(), device.clone());
        async move {
            let Some(next) = sender(&app, &payload).await else { return Ok(None) };
            renew(presence.as_ref(), &next).map_err(ApiError::from)?;
            Ok(Some(connection(app, next, presence, device)))
        }
    })
}

/// Authenticates the sender of a payload that has a token.
async fn sender(app: &App, payload: &Value) -> Option<Caller> {
    let sent = ["authorization", "Authorization"].into_iter().find_map(|name| payload.get(name)?.as_str())?;
    Some(identify(app, Bearer::parse(sent)).await)
}

/// Checks that a connection may continue with the next caller. One without a good token cannot get a user: that takes
/// a new connection.
fn renew(presence: Option<&Presence>, next: &Caller) -> Result<()> {
    match (presence, next) {
        (_, Caller::Refused(refusal)) => Err((*refusal).into()),
        (Some(presence), Caller::Principal(next)) => presence.renew(next.clone()),
        _ => Err(Error::Forbidden),
    }
}
