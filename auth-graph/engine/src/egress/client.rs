//! The HTTP client of everything that auth-graph calls. No other file builds one, so that a new use gets each of these
//! decisions.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use reqwest::tls::Version;

use super::addresses::{Allowed, Resolver};
use model::error::{Error, Result};

/// Shorter than the time after which most servers and load balancers close a connection without requests (60 s), which
/// could happen while a request is on its way.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The addresses that a client reaches.
#[derive(Clone, Debug)]
pub(super) enum Reach {
    /// Every address. It is for services that the operator has configured: they may be in the own network, and
    /// `http://` was checked to be a loopback address when the configuration was read.
    Configured,
    /// Public addresses, and those that are allowed in addition. It is for addresses that users of the API have chosen.
    Public(Allowed),
}

/// Builds a client. Its decisions:
///
/// * **Timeouts.** Each request ends within `timeout`, including its connection: users or deliveries wait for it.
/// * **No redirect is followed.** It would lead to an address that is neither configured nor checked, and would take
///   what is signed for one address to another.
/// * **No proxy is used**, whatever `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY` say. A proxy looks names up itself, so
///   that addresses could not be checked. Nor may a variable that is meant for other programs decide who sees the
///   requests: over `http://` they show a proxy who signs in.
/// * **TLS** is that of rustls: version 1.2 or 1.3, with certificates that the system trusts. `http://` is for loopback
///   addresses only.
/// * **Idle connections** are closed before the other side does so.
/// * **The user agent** names auth-graph and its version, so that the other side knows who calls.
///
/// # Errors
/// When no TLS can be set up.
pub(super) fn client(timeout: Duration, reach: Reach) -> Result<Client> {
    let builder = Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(Policy::none())
        .no_proxy()
        .tls_version_min(Version::TLS_1_2)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .user_agent(concat!("auth-graph/", env!("CARGO_PKG_VERSION")));
    let builder = match reach {
        Reach::Configured => builder,
        Reach::Public(allowed) => builder.https_only(!allowed.loopback).dns_resolver(Arc::new(Resolver(allowed))),
    };
    builder.build().map_err(Error::internal)
}
