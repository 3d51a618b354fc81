//! Same-origin routes for browsers and for clients of django-easyjwt: sign-in on this service's own origin, answered by
//! auth-graph. Nothing else of auth-graph is reachable through them.
//!
//! `POST /auth/graphql` (in `graphql`) passes the public operations on; the REST paths are in `rest`. What of a request
//! is passed on is decided here.

mod body;
mod graphql;
mod rest;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::routing::{get, post};
use ipnet::IpNet;

use crate::client::AuthGraph;
use crate::context::Caller;
#[cfg(feature = "service")]
pub(crate) use rest::Refusal;

const MAX_BODY: usize = 64 * 1024;
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The cookies that auth-graph keeps a refresh token in: over https for a host, for a domain, and without https.
const REFRESH_COOKIES: [&str; 3] = ["__Host-auth_graph_refresh", "__Secure-auth_graph_refresh", "auth_graph_refresh"];

/// The proxy of auth-graph's public operations.
///
/// auth-graph limits log-ins by client network, so it must be told to trust this service's address
/// (`server.trusted_proxies`), and this service must be served with `into_make_service_with_connect_info`.
#[derive(Clone, Debug)]
pub struct Proxy {
    auth: AuthGraph,
    trusted: Arc<[IpNet]>,
}

impl Proxy {
    /// The proxy to this auth-graph.
    #[must_use]
    pub fn new(auth: AuthGraph) -> Self {
        Self { auth, trusted: Arc::default() }
    }

    /// Believes `X-Forwarded-For` from proxies in these networks, such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// The first text that is not a network.
    pub fn trust<'a>(self, networks: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let parse = |text: &str| text.parse::<IpNet>().map_err(|_| format!("{text:?} is not a network"));
        let networks = networks.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok(self.trust_networks(networks))
    }

    pub(crate) fn trust_networks(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted = networks.into_iter().collect();
        self
    }

    /// The routes, with their paths as they are: merge them at the root.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route("/auth/graphql", post(graphql::forward).fallback(graphql::method_not_allowed))
            .route("/auth/token/", post(rest::token).fallback(rest::only_post))
            .route("/auth/token/refresh/", post(rest::refresh).fallback(rest::only_post))
            .route("/auth/token/verify/", post(rest::verify).fallback(rest::only_post))
            .route("/auth/token/logout/", post(rest::logout).fallback(rest::only_post))
            .route("/auth/users/{id}/", get(rest::user).fallback(rest::only_get))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(self)
    }

    /// The headers that auth-graph needs to see, and no others: no `Authorization`, no other cookies, nothing that the
    /// caller could pose as a proxy with.
    fn forwarded(&self, parts: &Parts) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for name in [header::USER_AGENT, header::ORIGIN, SEC_FETCH_SITE, CSRF_TOKEN] {
            if let Some(value) = parts.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        if let Some(cookie) = refresh_cookie(&parts.headers) {
            headers.insert(header::COOKIE, cookie);
        }
        let address = self.client_address(parts).and_then(|address| HeaderValue::try_from(address.to_string()).ok());
        if let Some(address) = address {
            headers.insert(FORWARDED_FOR, address);
        }
        headers
    }

    /// The address that a request comes from. `X-Forwarded-For` is read from its end, and only as far as each address
    /// is that of a trusted proxy: whatever stands before was written by somebody else.
    fn client_address(&self, parts: &Parts) -> Option<IpAddr> {
        let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
        let is_trusted = |address: IpAddr| self.trusted.iter().any(|network| network.contains(&address));
        let values: Vec<&str> =
            parts.headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
        let mut client = peer.ip().to_canonical();
        for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            match hop.trim().parse::<IpAddr>() {
                Ok(address) if is_trusted(client) => client = address.to_canonical(),
                _ => break,
            }
        }
        Some(client)
    }

    /// Ends the caller's session in this process, after auth-graph has confirmed a log-out.
    async fn end_session_of_caller(&self, headers: &HeaderMap) {
        if let Caller::Principal(principal) = self.auth.context(headers).await.caller() {
            self.auth.forget_session_of(principal);
        }
    }

    /// Takes over what auth-graph just said of a user. The caller is signed in whether this works or not: the row is
    /// then made on first sight.
    async fn mirror(&self, user: &crate::operations::User) {
        if let Err(error) = self.auth.take_over(user).await {
            tracing::warn!(error = ?error, user = %user.id, "a user could not be mirrored at sign-in");
        }
    }
}

fn refresh_cookie(headers: &HeaderMap) -> Option<HeaderValue> {
    let ours: Vec<&str> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(str::trim)
        .filter(|pair| pair.split_once('=').is_some_and(|(name, _)| REFRESH_COOKIES.contains(&name)))
        .collect();
    let mut value = HeaderValue::try_from(ours.join("; ")).ok().filter(|value| !value.is_empty())?;
    value.set_sensitive(true);
    Some(value)
}

/// Passes cookies that auth-graph sets on to the caller, and forbids caches to keep the answer.
fn pass_back(from: &HeaderMap, to: &mut HeaderMap) {
    for value in from.get_all(header::SET_COOKIE) {
        to.append(header::SET_COOKIE, value.clone());
    }
    to.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
