//! The operations of auth-graph that a service needs, with plain types of our own.
//!
//! The types that are generated from the schema stay in `documents`; how a request is sent is in `transport`, the
//! methods of [`AuthGraph`](crate::AuthGraph) are in `calls`.

mod breaker;
mod calls;
mod documents;
mod transport;
mod user;

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::ids::{SessionId, UserId};

pub(crate) use breaker::Breaker;
#[cfg(feature = "proxy")]
pub(crate) use calls::Ending;
#[cfg(feature = "proxy")]
pub(crate) use transport::is_json;
pub(crate) use transport::{MAX_ANSWER, Repeat, Transport, answer, authorized, bounded_body, data_of};
pub use user::{Profile, User, UserPage};

/// What a person signs in with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// The scopes to ask for; all that the user may have when absent.
    pub scope: Option<Vec<String>>,
}

/// What comes of a correct password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SignIn {
    /// Signed in.
    TokenPair(Box<TokenPair>),
    /// A second factor is needed.
    ChallengeRequired(Challenge),
}

/// An access token and the refresh token that replaces it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenPair {
    /// Opens this and every other service of the graph, for a few minutes.
    pub access_token: SecretString,
    /// Gets the next pair; absent when it travels in a cookie.
    pub refresh_token: Option<SecretString>,
    /// What goes with the cookie as the header `X-CSRF-Token`; absent without a cookie.
    pub csrf_token: Option<String>,
    /// How the access token is sent: `Bearer`.
    pub token_type: String,
    /// Life of the access token from now.
    pub expires_in: Duration,
    /// End of the access token.
    pub expires_at: DateTime<Utc>,
    /// End of the refresh token.
    pub refresh_expires_at: DateTime<Utc>,
    /// What the access token allows.
    pub scope: Vec<String>,
    /// Who signed in.
    pub user: User,
}

/// A second factor that is asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Challenge {
    /// Names the challenge when it is answered.
    pub challenge: SecretString,
    /// The ways to answer, such as `TOTP`.
    pub methods: Vec<String>,
    /// When it is too late to answer.
    pub expires_at: DateTime<Utc>,
}

/// Whether auth-graph stands by a token right now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verified {
    /// It does.
    Active(TokenType, Option<Claims>),
    /// It does not, and why.
    Inactive(VerificationFailure),
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenType {
    /// Opens services.
    Access,
    /// Gets the next pair.
    Refresh,
}

/// Why a token is no longer, or never was, any good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerificationFailure {
    /// It was good once.
    Expired,
    /// It never was.
    Invalid,
    /// Its session has ended.
    Revoked,
}

/// What an access token says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claims {
    /// Who issued it.
    pub issuer: String,
    /// Who it speaks for.
    pub subject: UserId,
    /// Who it is for.
    pub audience: Vec<String>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// Names the token.
    pub token_id: String,
    /// The session that it belongs to.
    pub session_id: SessionId,
    /// The client that it was issued to.
    pub client_id: String,
    /// What it allows.
    pub scope: Vec<String>,
    /// When the user proved who they are.
    pub auth_time: DateTime<Utc>,
}
