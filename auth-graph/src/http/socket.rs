//! WebSockets: the caller of a connection, its end, and its renewal with a new token.
//!
//! The token is in the payload of `connection_init`, or in the header `Authorization` of the request that opens the
//! socket, which browsers cannot set. A new token is in the payload of a `ping`. Cookies are ignored, because a page of
//! another site could open a socket with them.

use async_graphql::Data;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::request::Parts;
use axum::response::Response;
use graphql_edge::Connection;
use http_input::Bearer;
use serving::Place;

use super::identity::{device, identify};
use super::site::Site;
use crate::graphql::{ApiError, Caller};
use engine::app::App;
use engine::callers::Device;
use engine::callers::LiveCaller;
use model::error::{Error, Reason, Result};

pub(super) fn open(
    site: &Site,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: &Parts,
) -> Response {
    let app = site.app.clone();
    let device = device(&app, parts);
    // Until the caller is known, the socket counts as one of an anonymous caller.
    let place = match device.address.map(|address| site.anonymous_sockets.admit(address)) {
        Some(None) => return graphql_edge::too_many_sockets(app.config.server.anonymous_socket_idle),
        place => place.flatten(),
    };
    let opened_by = parts.headers.clone();
    let origins = &site.app.config.server.allowed_origins;
    site.edge.websocket(upgrade, &parts.headers, origins, async move |payload| {
        let caller = identify(&app, Bearer::of_socket(&opened_by, &payload)).await;
        let (live_caller, place) = match &caller {
            Caller::Principal(principal) => (Some(LiveCaller::new(principal.clone())), None),
            Caller::Anonymous | Caller::Refused(_) | Caller::Malformed => (None, place),
        };
        Ok(connection(app, caller, live_caller, device, place))
    })
}

/// Builds the connection of a caller. One without a good token holds its place until the socket is closed.
fn connection(
    app: App,
    caller: Caller,
    live_caller: Option<LiveCaller>,
    device: Device,
    place: Option<Place>,
) -> Connection {
    let mut data = Data::default();
    data.insert(caller);
    data.insert(device.clone());
    data.insert(place);
    let begun = match &live_caller {
        Some(live_caller) => {
            data.insert(live_caller.clone());
            Connection::new(data).until(live_caller.clone().ended(app.clone()))
        }
        None => Connection::new(data).anonymous(),
    };
    begun.renewed_by(move |payload| {
        let (app, live_caller, device) = (app.clone(), live_caller.clone(), device.clone());
        async move {
            let next = match Bearer::of_payload(&payload) {
                Bearer::Absent => return Ok(None),
                sent => identify(&app, sent).await,
            };
            renew(live_caller.as_ref(), &next).map_err(ApiError::from)?;
            Ok(Some(connection(app, next, live_caller, device, None)))
        }
    })
}

/// Checks that a connection may continue with the next caller. A connection without a valid token cannot be renewed:
/// the client must open a new one.
fn renew(live_caller: Option<&LiveCaller>, next: &Caller) -> Result<()> {
    match (live_caller, next) {
        (_, Caller::Refused(refusal)) => Err((*refusal).into()),
        (_, Caller::Malformed) => Err(Error::AuthorizationMalformed),
        (Some(live_caller), Caller::Principal(next)) => live_caller.renew(next.clone()),
        _ => Err(Error::Denied(Reason::OtherCaller)),
    }
}
