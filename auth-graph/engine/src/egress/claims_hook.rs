//! The claims hook: a service of the operator that adds claims to access tokens.
//!
//! It is called by a signed POST before anything is locked. [`crate::claims`] decides what its failure means.

use chrono::{DateTime, Utc};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::bounded_body::read_at_most;
use super::client::{Reach, client};
use credentials::webhook_signatures::sign;
use model::config;
use model::error::{Error, Result};
use model::values::{AdditionalClaims, ClaimName, Holder, Scopes, Subject, TokenId, WebhookSecret};

/// Longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Client of the hook.
#[derive(Debug)]
pub struct ClaimsHook {
    url: String,
    secrets: Vec<WebhookSecret>,
    http: Client,
}

/// The description of the token that is about to be issued, as the hook receives it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Question<'a> {
    /// Reason for which the token is issued.
    pub reason: TokenReason,
    /// The user with the session, or the service client.
    #[serde(flatten, serialize_with = "members_of_holder")]
    pub holder: Holder,
    /// Audience.
    pub audience: &'a str,
    /// Client that receives the token.
    pub client_id: &'a str,
    /// Scopes.
    pub scope: &'a Scopes,
}

/// The reason for which an access token is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenReason {
    /// A user signs in.
    Login,
    /// A session is refreshed.
    Refresh,
    /// A service client asks for one.
    ClientCredentials,
}

/// Serializes the holder as `subject`, `kind` and `sessionId`.
fn members_of_holder<S: Serializer>(holder: &Holder, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Members {
        subject: Subject,
        kind: SubjectKind,
        session_id: Uuid,
    }
    let (subject, session_id) = (holder.subject(), holder.sid());
    let kind = match subject {
        Subject::User(_) => SubjectKind::User,
        Subject::Client(_) => SubjectKind::Service,
    };
    Members { subject, kind, session_id }.serialize(serializer)
}

/// The kind of the subject of an access token.
#[derive(Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum SubjectKind {
    /// A user.
    User,
    /// A service client.
    Service,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    claims: Map<String, Value>,
}

impl ClaimsHook {
    /// Returns the configured hook, if there is one.
    ///
    /// # Errors
    /// When a secret is malformed, or no TLS can be set up.
    pub fn new(config: &config::ClaimsHook) -> Result<Option<Self>> {
        if config.url.is_empty() {
            return Ok(None);
        }
        let secrets = config.secrets.iter().map(WebhookSecret::parse).collect::<std::result::Result<_, _>>();
        Ok(Some(Self {
            url: config.url.clone(),
            secrets: secrets.map_err(Error::internal)?,
            http: client(config.timeout, Reach::Configured)?,
        }))
    }

    /// Calls the hook once.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not answer in time, with anything but 200, or with claims that it may not
    /// set.
    pub async fn ask(&self, question: &Question<'_>, now: DateTime<Utc>) -> Result<AdditionalClaims> {
        let id = format!("msg_{}", TokenId::generate(now));
        let body = json!({ "type": "access_token.claims", "timestamp": now, "data": question }).to_string();
        let mut request = self.http.post(&self.url).header(CONTENT_TYPE, "application/json");
        for (name, value) in sign(&self.secrets, &id, now, body.as_bytes()).0 {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.map_err(|error| Error::unavailable(error.without_url()))?;
        if answer.status() != StatusCode::OK {
            return Err(Error::unavailable(format!("it answered {}", answer.status())));
        }
        let text = read_at_most(answer, LONGEST_ANSWER).await?;
        // The parser's message can quote the answer, so it is not kept.
        let answer: Answer =
            serde_json::from_slice(&text).map_err(|_| Error::unavailable("its answer is not {\"claims\": {…}}"))?;
        let mut claims = AdditionalClaims::default();
        for (name, value) in answer.claims {
            claims.insert(&ClaimName::of_hook(name).map_err(Error::unavailable)?, value);
        }
        Ok(claims)
    }
}
