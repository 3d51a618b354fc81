//! The caller of a request: its token and its device.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use http_input::Bearer;

use crate::graphql::Caller;
use engine::app::App;
use engine::callers::Device;

/// Maximum length of the stored `User-Agent`.
const USER_AGENT_LENGTH: usize = 256;

/// Authenticates the caller by the token of a request.
pub(super) async fn identify(app: &App, bearer: Bearer<'_>) -> Caller {
    match bearer {
        Bearer::Absent => Caller::identify(app, None).await,
        Bearer::Token(token) => Caller::identify(app, Some(token.into())).await,
        Bearer::Malformed => Caller::Malformed,
    }
}

/// Returns the device that a request comes from.
pub(super) fn device(app: &App, parts: &Parts) -> Device {
    // Other bytes could be instructions for the terminal of an operator.
    let shown = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
    let user_agent = parts.headers.get(USER_AGENT).map(|agent| agent.as_bytes().iter().map(shown));
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let trusted = &app.config.server.trusted_proxies;
    Device {
        address: peer.map(|peer| http_input::client_address(trusted, peer, &parts.headers)),
        user_agent: user_agent.map(|agent| agent.take(USER_AGENT_LENGTH).collect()),
        request_id: parts.extensions.get::<serving::RequestId>().map(|id| id.as_str().to_owned()),
    }
}
