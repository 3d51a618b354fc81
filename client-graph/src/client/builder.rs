//! The configuration of an [`AuthGraph`]. All its problems are reported at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;
use single_flight::Flights;

use super::{AuthGraph, Deny, Inner};
use crate::clock::Clock;
use crate::error::Error;
use crate::feed::{Feed, StaleFeed};
use crate::mirror::Mirror;
use crate::operations::{Breaker, Remote, ServiceClient, Transport};
use crate::principal::Principal;
use crate::verifier::{Expectation, Keys, Verification, Verifier};

/// Configures an [`AuthGraph`]; created by [`AuthGraph::builder`].
#[must_use = "call build()"]
pub struct AuthGraphBuilder {
    base_url: String,
    audience: Option<String>,
    issuer: Option<String>,
    jwks_url: Option<String>,
    verification: Verification,
    http_client: Option<reqwest::Client>,
    retries: u32,
    leeway: Duration,
    access_token_cookie: Option<String>,
    allow_insecure_http: bool,
    service_client: Option<(String, SecretString)>,
    stale_feed: StaleFeed,
    deny: Option<Deny>,
    clock: Clock,
    mirror: Option<Mirror>,
}

/// All problems of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    problems: Vec<String>,
}

impl BuildError {
    /// Returns the problems. Each names its setting.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("auth-graph is not configured correctly: ")?;
        formatter.write_str(&self.problems.join("; "))
    }
}

impl std::error::Error for BuildError {}

impl AuthGraph {
    /// Starts the configuration of a connection to the auth-graph at this address, such as `https://auth.example.com`.
    pub fn builder(base_url: impl Into<String>) -> AuthGraphBuilder {
        AuthGraphBuilder {
            base_url: base_url.into(),
            audience: None,
            issuer: None,
            jwks_url: None,
            verification: Verification::default(),
            http_client: None,
            retries: 1,
            leeway: Duration::from_secs(30),
            access_token_cookie: None,
            allow_insecure_http: false,
            service_client: None,
            stale_feed: StaleFeed::default(),
            deny: None,
            clock: Clock::default(),
            mirror: None,
        }
    }
}

impl AuthGraphBuilder {
    /// Sets the audience that tokens must name. Required; auth-graph issues tokens for `graph` by default.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets the issuer that tokens must name, compared byte by byte. Default: the base address without a trailing
    /// slash.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the address of the public keys. Default: `/.well-known/jwks.json` under the base address.
    pub fn jwks_url(mut self, url: impl Into<String>) -> Self {
        self.jwks_url = Some(url.into());
        self
    }

    /// Sets the method of verifying tokens. Default: [`Verification::Local`].
    pub fn verification(mut self, verification: Verification) -> Self {
        self.verification = verification;
        self
    }

    /// Sets the HTTP client, for a certificate authority or a proxy of your own. It must not follow redirects (a 307
    /// would send a password to another host) and must have a timeout.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http_client = Some(client);
        self
    }

    /// Sets how often a request that is safe to repeat is sent again after a lost connection or a 502, 503 or 504.
    /// Default: 1.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the greatest accepted difference between the clocks of auth-graph and this service. Default: 30 s.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets the cookie that holds the access token of requests without an `Authorization` header. Default: none. A
    /// service that sets it must protect itself against cross-site requests.
    pub fn access_token_cookie(mut self, name: impl Into<String>) -> Self {
        self.access_token_cookie = Some(name.into());
        self
    }

    /// Allows `http://` for an auth-graph on another machine.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_insecure_http = true;
        self
    }

    /// Sets the service client of this service at auth-graph, and its secret. It follows the feed and makes calls in
    /// the service's own name, and needs the scope `feed:read`.
    pub fn service_client(mut self, id: impl Into<String>, secret: SecretString) -> Self {
        self.service_client = Some((id.into(), secret));
        self
    }

    /// Sets the policy for good tokens while the feed is old. Default: [`StaleFeed::Serve`].
    pub fn stale_feed(mut self, policy: StaleFeed) -> Self {
        self.stale_feed = policy;
        self
    }

    /// Sets a check of the service's own that can refuse callers. It runs on every request after all other checks, so
    /// it must be fast and must not block.
    pub fn deny(mut self, deny: impl Fn(&Principal) -> Result<(), Error> + Send + Sync + 'static) -> Self {
        self.deny = Some(Arc::new(deny));
        self
    }

    /// Sets the mirror of users.
    pub fn mirror(mut self, mirror: Mirror) -> Self {
        self.mirror = Some(mirror);
        self
    }

    /// Sets the clock, for tests that move it.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the configuration and builds the connection.
    ///
    /// # Errors
    /// [`BuildError`] with all problems of the configuration.
    pub fn build(self) -> Result<AuthGraph, BuildError> {
        let mut problems = Vec::new();
        let base = self.base_url.trim_end_matches('/');
        let graphql_url = self.check_url("the base address", &format!("{base}/graphql"), &mut problems);
        let jwks_url = self.jwks_url.clone().unwrap_or_else(|| format!("{base}/.well-known/jwks.json"));
        // The problems of addresses below the base address are those of the base address: they are reported once.
        let mut reported = Vec::new();
        let named = if self.jwks_url.is_some() { &mut problems } else { &mut reported };
        let jwks_url = self.check_url("jwks_url", &jwks_url, named);
        let token_url = self.check_url("the base address", &format!("{base}/oauth/token"), &mut reported);
        let audience = self.audience.clone().unwrap_or_default();
        if audience.is_empty() {
            problems.push("audience is required: auth-graph issues tokens for \"graph\" by default".to_owned());
        }
        let issuer = self.issuer.clone().unwrap_or_else(|| base.to_owned());
        if issuer.is_empty() {
            problems.push("issuer must not be empty".to_owned());
        }
        self.check_settings(&mut problems);
        let http = self.http_client.clone().map_or_else(http_client, Ok);
        let http = http.map_err(|error| problems.push(format!("no HTTP client can be created: {error}"))).ok();
        let (Some(graphql_url), Some(jwks_url), Some(http), true) = (graphql_url, jwks_url, http, problems.is_empty())
        else {
            return Err(BuildError { problems });
        };
        let service_client = self.service_client.zip(token_url);
        let service_client = service_client.map(|((id, secret), url)| ServiceClient::new(id, secret, url));
        let expectation = Expectation { issuer, audience, leeway: self.leeway };
        let breaker = Breaker::new(self.clock.clone());
        let transport = Transport { http, graphql_url, retries: self.retries, breaker };
        let remote = Arc::new(Remote::new(transport, service_client, self.clock.clone()));
        let keys = Keys::new(jwks_url, Arc::clone(&remote), self.clock.clone());
        let inner = Inner {
            remote,
            verification: self.verification,
            verifier: Verifier::new(expectation.clone(), keys, self.clock.clone()),
            expectation,
            revoked: Arc::default(),
            feed: Arc::new(Feed::new(self.clock.clone())),
            stale_feed: self.stale_feed,
            deny: self.deny,
            access_token_cookie: self.access_token_cookie,
            mirror: self.mirror.map(|mirror| mirror.with_clock(self.clock.clone())),
            clock: self.clock,
            first_sights: Flights::default(),
        };
        Ok(AuthGraph { inner: Arc::new(inner) })
    }

    /// Checks everything but the addresses, the issuer and the audience.
    fn check_settings(&self, problems: &mut Vec<String>) {
        if self.leeway > Duration::from_secs(300) {
            problems.push("leeway must be at most five minutes".to_owned());
        }
        if self.stale_feed != StaleFeed::Serve && self.service_client.is_none() {
            problems.push("stale_feed needs a service_client, as there is no feed without one".to_owned());
        }
        if self.access_token_cookie.as_ref().is_some_and(|name| !is_token(name)) {
            problems.push("access_token_cookie is not the name of a cookie".to_owned());
        }
        problems.extend(self.mirror.as_ref().and_then(Mirror::problem).map(str::to_owned));
    }

    fn check_url(&self, name: &str, text: &str, problems: &mut Vec<String>) -> Option<Url> {
        let mut problem = |message: &str| problems.push(format!("{name} {message}"));
        let Ok(url) = Url::parse(text) else {
            problem("is not a URL");
            return None;
        };
        match url.scheme() {
            "https" => {}
            "http" if self.allow_insecure_http || is_loopback(&url) => {}
            "http" => problem("must be https://, as it is not on this machine (unless allow_insecure_http is set)"),
            _ => problem("must start with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            problem("must not hold credentials");
        }
        if url.query().is_some() || url.fragment().is_some() {
            problem("must have no query and no fragment");
        }
        Some(url)
    }
}

impl fmt::Debug for AuthGraphBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AuthGraphBuilder").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Returns a client that fails fast, and sends passwords only to the configured host.
fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(3))
        // Shorter than the idle timeout of auth-graph (`server.idle_timeout`), which could close a connection while a
        // request is on its way.
        .pool_idle_timeout(Duration::from_secs(60))
        .tcp_nodelay(true)
        .no_proxy()
        .build()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns whether a name is a token of RFC 9110 section 5.6.2, as the name of a cookie must be.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
