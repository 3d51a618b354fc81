//! Verifying a token: `verify`.

use async_graphql::types::Json;
use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::account::User;
use super::caller::app;
use super::error::Result;
use engine::callers::{Principal, Refusal};
use engine::verification::{self, Verified};

pub struct TokenVerification(std::result::Result<Verified, Refusal>);

/// Reason why a token is not valid.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum TokenVerificationFailure {
    /// The token was valid, and has expired.
    Expired,
    /// The token was not issued by this service, is for another audience, or was replaced by a newer refresh token.
    Invalid,
    /// The session of the token has ended.
    Revoked,
}

/// Type of a token.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum VerifiedTokenType {
    /// An access token, which is sent with every request.
    Access,
    /// A refresh token, which is exchanged for the next pair of tokens.
    Refresh,
}

/// Claims of an access token (RFC 9068).
#[derive(SimpleObject)]
pub struct TokenClaims {
    /// Issuer of the token.
    iss: String,
    /// Identifier of the user whom the token is about.
    sub: ID,
    /// Audiences of the token.
    aud: Vec<String>,
    /// Time at which the token expires (UTC).
    exp: DateTime<Utc>,
    /// Time at which the token was issued (UTC).
    iat: DateTime<Utc>,
    /// Time from which on the token is valid (UTC).
    nbf: DateTime<Utc>,
    /// Identifier of the token.
    jti: ID,
    /// Identifier of the session that the token belongs to.
    sid: ID,
    /// Identifier of the client that the user signed in with.
    client_id: String,
    /// Scopes that the token grants.
    scope: Vec<String>,
    /// Time at which the user signed in (UTC).
    auth_time: DateTime<Utc>,
    /// Methods that the user proved their identity with (RFC 8176).
    amr: Vec<String>,
    /// Object with further claims, which the operator of the service has configured.
    additional: Json<serde_json::Map<String, serde_json::Value>>,
    /// Identifier of the user who acts on behalf of the subject (RFC 8693, section 4.1). Null when the subject acts.
    act: Option<ID>,
}

/// Result of the check of a token.
#[Object]
impl TokenVerification {
    /// True when the token is valid now.
    async fn active(&self) -> bool {
        self.0.is_ok()
    }

    /// Reason why the token is not valid. Null when it is valid.
    async fn reason(&self) -> Option<TokenVerificationFailure> {
        match self.0.as_ref().err()? {
            Refusal::Expired => Some(TokenVerificationFailure::Expired),
            Refusal::Revoked => Some(TokenVerificationFailure::Revoked),
            Refusal::Invalid | Refusal::Unknown => Some(TokenVerificationFailure::Invalid),
        }
    }

    /// Type of the token. Null when it is not valid.
    async fn token_type(&self) -> Option<VerifiedTokenType> {
        match self.0.as_ref().ok()? {
            Verified::Access(_) => Some(VerifiedTokenType::Access),
            Verified::Refresh(_) => Some(VerifiedTokenType::Refresh),
        }
    }

    /// Claims of the access token. Null when the token is not valid, or is a refresh token.
    async fn claims(&self) -> Option<TokenClaims> {
        match self.0.as_ref().ok()? {
            Verified::Access(principal) => Some(TokenClaims::new(principal)),
            Verified::Refresh(_) => None,
        }
    }

    /// The user whom the token is about, read from the database. Null when the token is not valid.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Ok(verified) = &self.0 else { return Ok(None) };
        let user = verification::user_of(app(ctx), verified).await?;
        Ok(user.map(|user| User::new(app(ctx), user)))
    }
}

impl TokenClaims {
    fn new(principal: &Principal) -> Self {
        let claims = principal.claims();
        let time = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH);
        Self {
            iss: claims.iss.clone(),
            sub: claims.sub.into(),
            aud: vec![claims.aud.clone()],
            exp: time(claims.exp),
            iat: time(claims.iat),
            nbf: time(claims.nbf),
            jti: claims.jti.0.into(),
            sid: claims.sid.into(),
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
    /// Checks whether a token is valid, and returns its claims. No sign-in is required. A token that is not valid is a
    /// result and not an error. Checking a refresh token does not use it up.
    async fn verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Access token or refresh token.", secret)] token: String,
    ) -> Result<TokenVerification> {
        Ok(TokenVerification(verification::verify(app(ctx), &token.into()).await?))
    }
}
