//! Requests to addresses that users of the API have chosen: they reach public addresses and no address of the own
//! network.
//!
//! A name is resolved once for each connection, what it resolves to is looked at, and the connection goes to just that.
//! No redirect is followed, no proxy is asked, and no answer is read beyond its head. What is sent, and why, is decided
//! in `webhooks`. Services that the operator has configured, such as the claims hook, have files of their own below.
//! Every HTTP client is built in `client`.

mod addresses;
mod bounded_body;
pub mod breached_passwords;
pub mod claims_hook;
mod client;

use std::error::Error as _;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use url::{Host, Url};

use addresses::{Allowed, NotAllowed};
use client::{Reach, client};
use credentials::webhook_signatures::SignedHeaders;
use model::config;
use model::error::{Error, Result};
use model::values::WebhookUrl;

/// Sends the requests.
#[derive(Debug)]
pub struct Egress {
    allowed: Allowed,
    http: Client,
}

/// The reason for which a request was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The address is none that may be called.
    NotAllowed,
    /// Nobody could be reached, or they broke off.
    Unreachable,
    /// The answer did not come in time.
    TimedOut,
}

impl Egress {
    /// Returns the client for the networks that are configured.
    ///
    /// # Errors
    /// When no TLS can be set up.
    pub fn new(config: &config::Webhooks) -> Result<Self> {
        let allowed = Allowed { loopback: config.allow_loopback, networks: config.allowed_networks.clone() };
        let http = client(config.timeout, Reach::Public(allowed.clone()))?;
        Ok(Self { allowed, http })
    }

    /// Returns whether an address may be called, as far as that can be told without looking its name up.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] for `http://` to anything but this machine in development, and for an IP address
    /// that is not public.
    pub fn check(&self, url: &WebhookUrl) -> Result<()> {
        let url = url.to_url()?;
        if !self.is_scheme_allowed(&url) {
            return Err(Error::invalid("url", "must be https://"));
        }
        let is_here = url.domain().is_some_and(is_localhost);
        if !self.is_host_allowed(&url) || is_here && !self.allowed.loopback {
            return Err(Error::invalid("url", "must have a public address"));
        }
        Ok(())
    }

    /// Posts a signed body of JSON, and tells the status of the answer.
    ///
    /// # Errors
    /// The [`Failure`].
    pub async fn post(&self, url: &WebhookUrl, signed: SignedHeaders, body: String) -> Result<u16, Failure> {
        let url = url.to_url().map_err(|_| Failure::NotAllowed)?;
        // An IP address is not resolved, and what is allowed may have changed since it was given.
        if !self.is_scheme_allowed(&url) || !self.is_host_allowed(&url) {
            return Err(Failure::NotAllowed);
        }
        let mut request = self.http.post(url).header(CONTENT_TYPE, "application/json");
        for (name, value) in signed.0 {
            request = request.header(name, value);
        }
        match request.body(body).send().await {
            Ok(answer) => Ok(answer.status().as_u16()),
            Err(error) if error.is_timeout() => Err(Failure::TimedOut),
            Err(error) if is_not_allowed(&error) => Err(Failure::NotAllowed),
            Err(_) => Err(Failure::Unreachable),
        }
    }

    fn is_scheme_allowed(&self, url: &Url) -> bool {
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => is_localhost(name),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        url.scheme() == "https" || self.allowed.loopback && url.scheme() == "http" && is_loopback
    }

    fn is_host_allowed(&self, url: &Url) -> bool {
        match url.host() {
            // What it resolves to is looked at when a connection is made.
            Some(Host::Domain(_)) => true,
            Some(Host::Ipv4(address)) => self.allowed.contains(address.into()),
            Some(Host::Ipv6(address)) => self.allowed.contains(address.into()),
            None => false,
        }
    }
}

/// Names that mean this machine wherever they are looked up (RFC 6761 section 6.3).
fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// Returns whether the resolver has refused every address.
fn is_not_allowed(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<NotAllowed>() {
            return true;
        }
        source = error.source();
    }
    false
}
