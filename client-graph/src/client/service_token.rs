//! The access token of the service itself, which it gets with the secret of its service client (RFC 6749 section 4.4).

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::AuthGraph;
use crate::error::{Code, Error};
use crate::operations::{Repeat, bounded_body};

/// A token that ends sooner than this is replaced before it is used.
const RESERVE: Duration = Duration::from_secs(30);
const MAX_BODY: usize = 64 * 1024;

/// Who the service is at auth-graph.
pub(super) struct ServiceClient {
    pub(super) id: String,
    pub(super) secret: SecretString,
    pub(super) token_url: reqwest::Url,
    /// Locked while a token is fetched, so that parallel callers share it.
    pub(super) held: Mutex<Option<Held>>,
}

#[derive(Clone)]
pub(super) struct Held {
    token: SecretString,
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

impl AuthGraph {
    /// An access token of this service, for calls that it makes in its own name. It is kept until shortly before its
    /// end.
    ///
    /// # Errors
    /// `INVALID_CREDENTIALS` when auth-graph does not know the service client; `UNAVAILABLE` when it can not be asked;
    /// `INTERNAL` when none was configured.
    pub async fn service_token(&self) -> Result<SecretString, Error> {
        Ok(self.held_service_token().await?.token)
    }

    /// Whether auth-graph tells this service of users in the service's own name, and so decides which users it is
    /// shown, and what of them.
    pub(crate) async fn is_shown_users(&self) -> Result<bool, Error> {
        Ok(self.has_service_client() && self.held_service_token().await?.reads_users)
    }

    async fn held_service_token(&self) -> Result<Held, Error> {
        let missing = "there is no service client: pass one to AuthGraphBuilder::service_client";
        let client = self.inner.service_client.as_ref().ok_or_else(|| Error::internal(missing))?;
        let mut held = client.held.lock().await;
        let now = self.inner.clock.now();
        if let Some(held) = held.as_ref().filter(|held| held.renew_at > now) {
            return Ok(held.clone());
        }
        let Granted { access_token, expires_in, scope } = self.fetch_service_token(client).await?;
        let lifetime = Duration::from_secs(expires_in.into());
        let renew_at = now + lifetime.saturating_sub(RESERVE.min(lifetime / 2));
        let reads_users = scope.split(' ').any(|scope| matches!(scope, "feed:read" | "users:read"));
        Ok(held.insert(Held { token: access_token, reads_users, renew_at }).clone())
    }

    /// Gets another one next time.
    pub(crate) async fn forget_service_token(&self) {
        if let Some(client) = &self.inner.service_client {
            *client.held.lock().await = None;
        }
    }

    pub(crate) fn has_service_client(&self) -> bool {
        self.inner.service_client.is_some()
    }

    async fn fetch_service_token(&self, client: &ServiceClient) -> Result<Granted, Error> {
        let request = |http: &reqwest::Client| {
            http.post(client.token_url.clone())
                .basic_auth(&client.id, Some(client.secret.expose_secret()))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body("grant_type=client_credentials")
        };
        let response = self.transport().send(Repeat::Safe, request).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => return Err(Code::InvalidCredentials.into()),
            StatusCode::TOO_MANY_REQUESTS => return Err(Code::RateLimited.into()),
            status => return Err(Error::unavailable(format!("the service's token was answered with {status}"))),
        }
        // The parser's message can quote the body, so it is not kept.
        serde_json::from_slice(&bounded_body(response, MAX_BODY).await?)
            .map_err(|_| Error::unavailable("the service's token can not be read"))
    }
}
