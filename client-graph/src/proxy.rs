//! Same-origin routes for browsers and for clients of django-easyjwt: signing in and the caller's own account on the
//! origin of this service, answered by auth-graph. Nothing else of auth-graph is reachable through them.
//!
//! `POST /auth/graphql` (in `graphql`) forwards the operations that `fields` lists; the REST paths are in `rest`, and
//! the pages behind the links in mails in `pages`. This file decides which headers are forwarded.

mod account;
mod body;
mod fields;
mod graphql;
mod pages;
mod rest;
mod routes;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use http_input::FORWARDED_FOR;
use ipnet::IpNet;

use crate::client::AuthGraph;
use crate::client::Caller;
#[cfg(feature = "service")]
pub(crate) use rest::Refusal;

const MAX_BODY: usize = 64 * 1024;
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Names of the cookie with auth-graph's refresh token: over https for a host, for a domain, and without https.
const REFRESH_COOKIES: [&str; 3] = ["__Host-auth_graph_refresh", "__Secure-auth_graph_refresh", "auth_graph_refresh"];

/// The proxy of auth-graph's operations for signing in and for one's own account.
///
/// auth-graph's pages for the links in mails are at `/auth/verify-email`, `/auth/reset-password` and `/auth/register`:
/// set `accounts.pages_url` of auth-graph to the address of `/auth` on this service.
///
/// auth-graph limits sign-ins by client network. Therefore it must trust this service's address
/// (`server.trusted_proxies`), and this service must be served with `into_make_service_with_connect_info`.
#[derive(Clone, Debug)]
pub struct Proxy {
    auth: AuthGraph,
    trusted: Arc<[IpNet]>,
}

impl Proxy {
    /// Creates the proxy to an auth-graph.
    #[must_use]
    pub fn new(auth: AuthGraph) -> Self {
        Self { auth, trusted: Arc::default() }
    }

    /// Accepts `X-Forwarded-For` from proxies in these networks, such as `10.0.0.0/8`, or with these addresses.
    ///
    /// # Errors
    /// Names the first text that is neither.
    pub fn trust<'a>(self, networks: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let parse = |text: &str| {
            let address = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse().or_else(|_| address()).map_err(|_| format!("\"{text}\" is neither a network nor an address"))
        };
        let networks = networks.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok(self.trust_networks(networks))
    }

    pub(crate) fn trust_networks(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted = networks.into_iter().collect();
        self
    }

    /// Returns the headers that every request to auth-graph has, and no others: no `Authorization`, no other cookies,
    /// and no header by which the caller could act as a proxy.
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
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map(|peer| http_input::client_address(&self.trusted, peer.0.ip(), &parts.headers));
        if let Some(address) = address.and_then(|address| HeaderValue::try_from(address.to_string()).ok()) {
            headers.insert(FORWARDED_FOR, address);
        }
        headers
    }

    /// Ends the caller's session in this process, after auth-graph has confirmed a log-out.
    async fn end_session_of_caller(&self, headers: &HeaderMap) {
        if let Caller::Principal(principal) = self.auth.context(headers).await.caller() {
            self.auth.forget_session_of(principal);
        }
    }

    /// Mirrors a user that auth-graph has just described. A failure does not end the sign-in: the row is then written
    /// at the first request of the user.
    async fn mirror(&self, user: &crate::operations::User) {
        if let Err(error) = self.auth.mirror_user(user).await {
            tracing::warn!(error = ?error, user = %user.id, "a user could not be mirrored at sign-in");
        }
    }
}

/// Returns the cookies that hold a refresh token, as one header.
fn refresh_cookie(headers: &HeaderMap) -> Option<HeaderValue> {
    let cookies = http_input::cookies(headers).filter(|(name, _)| REFRESH_COOKIES.contains(name));
    let ours: Vec<String> = cookies.map(|(name, value)| format!("{name}={value}")).collect();
    let mut value = HeaderValue::try_from(ours.join("; ")).ok().filter(|value| !value.is_empty())?;
    value.set_sensitive(true);
    Some(value)
}

/// Forwards the cookies that auth-graph sets to the caller, and forbids caches to store the answer.
fn pass_back(from: &HeaderMap, to: &mut HeaderMap) {
    for value in from.get_all(header::SET_COOKIE) {
        to.append(header::SET_COOKIE, value.clone());
    }
    to.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
