//! The operations of auth-graph that a service needs, and their types.
//!
//! `documents` holds the types that are generated from the schema. `transport` sends requests, and `remote` sends those
//! that the service makes in its own name.

mod breaker;
pub(crate) mod documents;
mod remote;
mod snapshot;
mod transport;
mod user;

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::ids::{SessionId, UserId};

pub(crate) use breaker::Breaker;
pub(crate) use remote::{Answer, Remote, ServiceClient};
pub(crate) use snapshot::UserSnapshot;
pub(crate) use transport::{MAX_ANSWER, Repeat, Reply, Transport, answer, authorized, data_of};
#[cfg(feature = "proxy")]
pub(crate) use transport::{bounded_body, is_json};
pub use user::{Profile, User, UserPage};

/// Credentials for signing in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: SecretString,
    /// Scopes to request; absent for all scopes that the user may have.
    pub scope: Option<Vec<String>>,
}

/// Result of a sign-in with a correct password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SignIn {
    /// The user is signed in.
    TokenPair(Box<TokenPair>),
    /// A second factor is required.
    ChallengeRequired(Challenge),
}

/// An access token and the refresh token that replaces it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenPair {
    /// Token for this and every other service of the graph, valid for a few minutes.
    pub access_token: SecretString,
    /// Token for the next pair; absent when it is in a cookie.
    pub refresh_token: Option<SecretString>,
    /// Value of the header `X-CSRF-Token` for requests with the cookie; absent without a cookie.
    pub csrf_token: Option<String>,
    /// Authentication scheme of the access token: `Bearer`.
    pub token_type: String,
    /// Lifetime of the access token from now.
    pub expires_in: Duration,
    /// Time when the access token expires.
    pub expires_at: DateTime<Utc>,
    /// Time when the refresh token expires.
    pub refresh_expires_at: DateTime<Utc>,
    /// Scopes of the access token.
    pub scope: Vec<String>,
    /// The signed-in user.
    pub user: User,
}

/// A request for a second factor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Challenge {
    /// Identifier of the challenge, to be sent with the answer.
    pub challenge: SecretString,
    /// Accepted methods, such as `TOTP`.
    pub methods: Vec<String>,
    /// Time when the challenge expires.
    pub expires_at: DateTime<Utc>,
}

/// The state of a token at auth-graph.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verified {
    /// The token is good. Access tokens come with their claims.
    Active(TokenType, Option<Claims>),
    /// The token is not good, for this reason.
    Inactive(VerificationFailure),
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenType {
    /// A token for services.
    Access,
    /// A token for the next token pair.
    Refresh,
}

/// The reason why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerificationFailure {
    /// The token has expired.
    Expired,
    /// The token was never good.
    Invalid,
    /// The session of the token has ended.
    Revoked,
}

/// The claims of an access token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claims {
    /// Issuer.
    pub issuer: String,
    /// User for whom the token was issued.
    pub subject: UserId,
    /// Services for which the token is meant.
    pub audience: Vec<String>,
    /// Time when the token expires.
    pub expires_at: DateTime<Utc>,
    /// Time when the token was issued.
    pub issued_at: DateTime<Utc>,
    /// Identifier of the token (`jti`).
    pub token_id: String,
    /// Session of the token.
    pub session_id: SessionId,
    /// Client that the token was issued to.
    pub client_id: String,
    /// Scopes of the token.
    pub scope: Vec<String>,
    /// Time when the user last authenticated.
    pub auth_time: DateTime<Utc>,
}

/// The sessions that a logout ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    OneSession,
    AllSessions,
}
