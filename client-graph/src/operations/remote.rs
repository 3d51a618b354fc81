//! auth-graph as this service reaches it: its requests, and its own access token, which it gets with the secret of its
//! service client (RFC 6749 section 4.4).

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::transport::{Repeat, Transport, bounded_body};
use crate::clock::Clock;
use crate::error::{Code, Error};

/// A token that ends sooner than this is replaced before it is used.
const RESERVE: Duration = Duration::from_secs(30);
const MAX_BODY: usize = 64 * 1024;

/// The connection to auth-graph, and the service client that uses it.
pub(crate) struct Remote {
    pub(crate) transport: Transport,
    service_client: Option<ServiceClient>,
    clock: Clock,
}

/// A service client of auth-graph.
pub(crate) struct ServiceClient {
    id: String,
    secret: SecretString,
    token_url: Url,
    /// Locked during a fetch, so that parallel callers share its token.
    token: Mutex<Option<ServiceToken>>,
}

#[derive(Clone)]
struct ServiceToken {
    text: SecretString,
    reads_users: bool,
    renew_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: u32,
    #[serde(default)]
    scope: String,
}

/// The only field of an answer.
#[derive(Deserialize)]
pub(crate) struct Answer<T> {
    #[serde(alias = "userChanges", alias = "userSnapshots", alias = "userSnapshot", alias = "revocations")]
    pub(crate) field: T,
}

impl ServiceClient {
    pub(crate) fn new(id: String, secret: SecretString, token_url: Url) -> Self {
        Self { id, secret, token_url, token: Mutex::default() }
    }
}

impl Remote {
    pub(crate) fn new(transport: Transport, service_client: Option<ServiceClient>, clock: Clock) -> Self {
        Self { transport, service_client, clock }
    }

    /// Runs an operation that is safe to repeat, with the token of this service.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        document: &str,
        name: &str,
        variables: Value,
    ) -> Result<T, Error> {
        let token = self.service_token().await?;
        let body = json!({ "query": document, "operationName": name, "variables": variables });
        self.transport.ask(&body, &token).await
    }

    /// Returns an access token of this service. It is kept until shortly before its end.
    pub(crate) async fn service_token(&self) -> Result<SecretString, Error> {
        Ok(self.kept_token().await?.text)
    }

    /// Returns whether this service reads users with its own token. auth-graph then decides which users it may see, and
    /// which of their fields.
    pub(crate) async fn reads_users(&self) -> Result<bool, Error> {
        Ok(self.has_service_client() && self.kept_token().await?.reads_users)
    }

    /// Forgets the token of this service: the next call fetches another one.
    pub(crate) async fn forget_service_token(&self) {
        if let Some(client) = &self.service_client {
            *client.token.lock().await = None;
        }
    }

    /// Returns the identifier of the service client; empty without one.
    pub(crate) fn service_client_id(&self) -> &str {
        self.service_client.as_ref().map_or("", |client| &client.id)
    }

    pub(crate) fn has_service_client(&self) -> bool {
        self.service_client.is_some()
    }

    async fn kept_token(&self) -> Result<ServiceToken, Error> {
        let missing = "there is no service client: pass one to AuthGraphBuilder::service_client";
        let client = self.service_client.as_ref().ok_or_else(|| Error::misused(missing))?;
        let mut kept = client.token.lock().await;
        let now = self.clock.now();
        if let Some(token) = kept.as_ref().filter(|token| token.renew_at > now) {
            return Ok(token.clone());
        }
        let Granted { access_token, expires_in, scope } = self.fetch_token(client).await?;
        let lifetime = Duration::from_secs(expires_in.into());
        let renew_at = now + lifetime.saturating_sub(RESERVE.min(lifetime / 2));
        let reads_users = scope.split(' ').any(|scope| matches!(scope, "feed:read" | "users:read"));
        Ok(kept.insert(ServiceToken { text: access_token, reads_users, renew_at }).clone())
    }

    async fn fetch_token(&self, client: &ServiceClient) -> Result<Granted, Error> {
        let request = |http: &reqwest::Client| {
            http.post(client.token_url.clone())
                .basic_auth(&client.id, Some(client.secret.expose_secret()))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body("grant_type=client_credentials")
        };
        let response = self.transport.send(Repeat::Safe, request).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
                let detail = format!("auth-graph refused the service client {}: check its id and secret", client.id);
                return Err(Error::new(Code::InvalidCredentials).with_detail(detail));
            }
            StatusCode::TOO_MANY_REQUESTS => return Err(Code::RateLimited.into()),
            status => return Err(Error::unavailable(format!("the service's token was answered with {status}"))),
        }
        // The parser's message can quote the body, so it is not kept.
        serde_json::from_slice(&bounded_body(response, MAX_BODY).await?)
            .map_err(|_| Error::unavailable("the service's token cannot be read"))
    }
}
