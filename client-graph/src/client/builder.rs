//! How an [`AuthGraph`] is configured. All problems are reported at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use secrecy::SecretString;

use super::service_token::ServiceClient;
use super::{AuthGraph, Deny, Inner};
use crate::clock::Clock;
use crate::error::Error;
use crate::feed::{Feed, Freshness, StaleFeed};
use crate::keys::Keys;
use crate::operations::{Breaker, Transport};
use crate::principal::Principal;
use crate::revocation::Revoked;
use crate::verifier::{Expectation, Verification, Verifier};

/// Configures an [`AuthGraph`]; made by [`AuthGraph::builder`].
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
    mirror: Option<crate::mirror::Mirror>,
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    problems: Vec<String>,
}

impl BuildError {
    /// The problems, each a sentence that names the setting.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("auth-graph is not configured rightly: ")?;
        formatter.write_str(&self.problems.join("; "))
    }
}

impl std::error::Error for BuildError {}

impl AuthGraph {
    /// Starts to configure the connection to the auth-graph at this address, such as `https://auth.example.com`.
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
    /// Who tokens must be for. Required; auth-graph issues them for `graph` unless it is told otherwise.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Who must have issued them, to the byte. By default the base address without a slash at its end.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Where the public keys are. By default `/.well-known/jwks.json` under the base address.
    pub fn jwks_url(mut self, url: impl Into<String>) -> Self {
        self.jwks_url = Some(url.into());
        self
    }

    /// How tokens are verified.
    pub fn verification(mut self, verification: Verification) -> Self {
        self.verification = verification;
        self
    }

    /// The client that sends requests, for a certificate authority or a proxy of yours. It must not follow redirects (a
    /// 307 would send a password on to another host) and must have a timeout.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http_client = Some(client);
        self
    }

    /// How often a request that is safe to repeat is sent again after a lost connection or a 502, 503 or 504. Default
    /// 1.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// How far the clocks of auth-graph and this service may be apart. Default 30 s.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The cookie that holds the access token of requests without an `Authorization` header. By default there is none.
    /// A service that sets it must defend itself against cross-site requests.
    pub fn access_token_cookie(mut self, name: impl Into<String>) -> Self {
        self.access_token_cookie = Some(name.into());
        self
    }

    /// Allows `http://` to a host that is not this machine.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_insecure_http = true;
        self
    }

    /// The service client that this service is at auth-graph, and its secret: for the feed, and for calls in the
    /// service's own name. It needs the scope `feed:read`.
    pub fn service_client(mut self, id: impl Into<String>, secret: SecretString) -> Self {
        self.service_client = Some((id.into(), secret));
        self
    }

    /// What happens to good tokens while the feed is old. Default [`StaleFeed::Serve`].
    pub fn stale_feed(mut self, policy: StaleFeed) -> Self {
        self.stale_feed = policy;
        self
    }

    /// Refuses callers on grounds of the service's own. It is asked on every request, after everything else, so it must
    /// be quick and must not block.
    pub fn deny(mut self, deny: impl Fn(&Principal) -> Result<(), Error> + Send + Sync + 'static) -> Self {
        self.deny = Some(Arc::new(deny));
        self
    }

    /// Where the users' mirror is kept.
    pub fn mirror(mut self, mirror: crate::mirror::Mirror) -> Self {
        self.mirror = Some(mirror);
        self
    }

    /// The clock, for tests that move it.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the configuration.
    ///
    /// # Errors
    /// [`BuildError`] with all that is wrong with it.
    pub fn build(self) -> Result<AuthGraph, BuildError> {
        let mut problems = Vec::new();
        let base = self.base_url.trim_end_matches('/');
        let graphql_url = self.check_url("the base address", &format!("{base}/graphql"), &mut problems);
        let jwks_url = self.jwks_url.clone().unwrap_or_else(|| format!("{base}/.well-known/jwks.json"));
        // Of addresses below the base address, that one tells all that is wrong.
        let mut said = Vec::new();
        let named = if self.jwks_url.is_some() { &mut problems } else { &mut said };
        let jwks_url = self.check_url("jwks_url", &jwks_url, named);
        let token_url = self.check_url("the base address", &format!("{base}/oauth/token"), &mut said);
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
        let http = http.map_err(|error| problems.push(format!("no HTTP client can be made: {error}"))).ok();
        let (Some(graphql_url), Some(jwks_url), Some(http), true) = (graphql_url, jwks_url, http, problems.is_empty())
        else {
            return Err(BuildError { problems });
        };
        let service_client = self.service_client.zip(token_url).map(|((id, secret), token_url)| ServiceClient {
            id,
            secret,
            token_url,
            held: tokio::sync::Mutex::default(),
        });
        let expectation = Expectation { issuer, audience, leeway: self.leeway };
        let transport =
            Arc::new(Transport { http, graphql_url, retries: self.retries, breaker: Breaker::new(self.clock.clone()) });
        let keys = Keys::new(jwks_url, Arc::clone(&transport), self.clock.clone());
        let freshness = Arc::new(Freshness::new(self.clock.clone()));
        let inner = Inner {
            transport,
            verification: self.verification,
            verifier: Verifier::new(expectation.clone(), keys, Arc::clone(&freshness), self.clock.clone()),
            expectation,
            revoked: Revoked::default(),
            service_client,
            feed: Feed::new(freshness),
            stale_feed: self.stale_feed,
            deny: self.deny,
            access_token_cookie: self.access_token_cookie,
            mirror: self.mirror.map(|mirror| mirror.with_clock(self.clock.clone())),
            clock: self.clock,
            first_sights: crate::flight::Flights::default(),
        };
        Ok(AuthGraph { inner: Arc::new(inner) })
    }

    /// What is wrong with everything but the addresses, the issuer and the audience.
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
        problems.extend(self.mirror.as_ref().and_then(crate::mirror::Mirror::problem).map(str::to_owned));
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
            "http" => problem("must be https://, as it is not on this machine (unless allow_insecure_http says so)"),
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

/// Fails fast, and sends a password to nobody but the host that was named.
fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(3))
        // Before auth-graph closes them (`server.idle_timeout`), maybe while a request is on its way.
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

/// A token of RFC 9110 section 5.6.2, which a cookie's name must be.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
