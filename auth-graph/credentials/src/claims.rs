//! The claims of an access token (RFC 9068 section 2.2), and the difference between clocks that their times allow.

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use model::values::{AdditionalClaims, Holder, TokenId, UserId};

/// Maximum accepted difference between the clocks of two replicas.
pub(crate) const SKEW: Duration = Duration::seconds(30);

/// Claims of an access token. Every claim of ours but `scope` is required, with the JSON type that it has here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Identifier of the user or service client; see [`Self::holder`].
    pub sub: Uuid,
    /// Audience.
    pub aud: String,
    /// Expiry, in seconds since the epoch.
    pub exp: i64,
    /// Time of issue, in seconds since the epoch.
    pub iat: i64,
    /// Time from which the token is valid, in seconds since the epoch.
    pub nbf: i64,
    /// Identifier of the token.
    pub jti: TokenId,
    /// Identifier of the session, or of the service client again; see [`Self::holder`].
    pub sid: Uuid,
    /// The client that the user signed in with.
    pub client_id: String,
    /// Scopes, separated by spaces. A token without scopes has no such claim, because an empty text is not a list of
    /// scopes (RFC 6749 section 3.3).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Time of the last proof, in seconds since the epoch.
    pub auth_time: i64,
    /// Methods by which the user proved their identity (RFC 8176).
    pub amr: Vec<String>,
    /// Claims that the policy and the hook added.
    #[serde(flatten)]
    pub additional: AdditionalClaims,
    /// User who acts as the subject; `None` if the subject acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
}

/// The user who acts as the subject of a token (RFC 8693 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Identifier of that user.
    pub sub: UserId,
}

impl Claims {
    /// Returns the user with the session, or the service client.
    #[must_use]
    pub fn holder(&self) -> Holder {
        Holder::of_claims(self.sub, self.sid)
    }
}
