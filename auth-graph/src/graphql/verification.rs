//! Asking about a token: `verify`.

use async_graphql::types::Json;
use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::account::User;
use super::caller::app;
use super::error::Result;
use engine::callers::{Principal, Refusal};
use engine::verification::{self, Verified};

/// See its fields below.
pub struct Verification(std::result::Result<Verified, Refusal>);

/// Why a token is not good.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum VerificationFailure {
    /// It was good once.
    Expired,
    /// It is not a token of this service, not meant for this audience, or outdated.
    Invalid,
    /// Its session has ended.
    Revoked,
}

/// The kind of a token.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// Sent with every call.
    Access,
    /// Exchanged for the next pair.
    Refresh,
}

/// What an access token says.
#[derive(SimpleObject)]
pub struct Claims {
    /// Who issued it.
    iss: String,
    /// Who it is about: a user's `id`.
    sub: ID,
    /// Who it is for.
    aud: Vec<String>,
    /// When it expires.
    exp: DateTime<Utc>,
    /// When it was issued.
    iat: DateTime<Utc>,
    /// From when on it is good.
    nbf: DateTime<Utc>,
    /// Its own name.
    jti: ID,
    /// The session that it belongs to.
    sid: ID,
    /// The client that the user signed in with.
    client_id: String,
    /// What it allows.
    scope: Vec<String>,
    /// When the user signed in.
    auth_time: DateTime<Utc>,
    /// How the user proved who they are (RFC 8176).
    amr: Vec<String>,
    /// What it says beside, as the operator of the service has configured it.
    additional: Json<serde_json::Map<String, serde_json::Value>>,
    /// The user who acts as the subject; null: the subject (RFC 8693 section 4.1).
    act: Option<ID>,
}

/// What became of the check of a token.
#[Object]
impl Verification {
    /// Whether the token is good now.
    async fn active(&self) -> bool {
        self.0.is_ok()
    }

    /// Why it is not.
    async fn reason(&self) -> Option<VerificationFailure> {
        match self.0.as_ref().err()? {
            Refusal::Expired => Some(VerificationFailure::Expired),
            Refusal::Revoked => Some(VerificationFailure::Revoked),
            Refusal::Invalid | Refusal::Unknown => Some(VerificationFailure::Invalid),
        }
    }

    /// What kind of token it is; null when it is not good.
    async fn token_type(&self) -> Option<TokenType> {
        match self.0.as_ref().ok()? {
            Verified::Access(_) => Some(TokenType::Access),
            Verified::Refresh(_) => Some(TokenType::Refresh),
        }
    }

    /// What it says; null when it is not good, or not an access token.
    async fn claims(&self) -> Option<Claims> {
        match self.0.as_ref().ok()? {
            Verified::Access(principal) => Some(Claims::new(principal)),
            Verified::Refresh(_) => None,
        }
    }

    /// Who it is about, read from the database; null when it is not good.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Ok(verified) = &self.0 else { return Ok(None) };
        let user = verification::user_of(app(ctx), verified).await?;
        Ok(user.map(|user| User::new(app(ctx), user)))
    }
}

impl Claims {
    fn new(principal: &Principal) -> Self {
        let claims = principal.claims();
        let time = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH);
        Self {
            iss: claims.iss.clone(),
            sub: claims.sub.0.into(),
            aud: vec![claims.aud.clone()],
            exp: time(claims.exp),
            iat: time(claims.iat),
            nbf: time(claims.nbf),
            jti: claims.jti.0.into(),
            sid: claims.sid.0.into(),
            client_id: claims.client_id.clone(),
            scope: principal.scopes().to_strings(),
            auth_time: time(claims.auth_time),
            amr: claims.amr.clone(),
            additional: Json(claims.additional.as_map().clone()),
            act: claims.act.map(|act| act.sub.0.into()),
        }
    }
}

#[derive(Default)]
pub(super) struct VerificationMutation;

#[Object]
impl VerificationMutation {
    /// Whether a token of any kind is good, and what it says. Whoever holds a token may ask; a "no" is an answer and
    /// not an error. Asking about a refresh token does not use it.
    async fn verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An access token or a refresh token.", secret)] token: String,
    ) -> Result<Verification> {
        Ok(Verification(verification::verify(app(ctx), &token.into()).await?))
    }
}
