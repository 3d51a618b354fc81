//! The section `[tokens]`.

use chrono::TimeDelta;
use serde::Deserialize;
use settings::time_delta;

use super::claims::ScopesOfAudience;

/// Access tokens, sessions and signing keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Signature algorithm of access tokens.
    pub algorithm: SigningAlgorithm,
    /// Audience of access tokens.
    pub audience: String,
    /// Further audiences for which users may sign in.
    pub further_audiences: Vec<String>,
    /// Scopes that the tokens for an audience may have. An audience that is not listed may have every scope.
    pub audience_scopes: Vec<ScopesOfAudience>,
    /// Lifetime of an access token.
    #[serde(deserialize_with = "time_delta")]
    pub access_lifetime: TimeDelta,
    /// Time without a refresh after which a session ends.
    #[serde(deserialize_with = "time_delta")]
    pub idle_lifetime: TimeDelta,
    /// Longest lifetime of a session.
    #[serde(deserialize_with = "time_delta")]
    pub session_lifetime: TimeDelta,
    /// Number of sessions of one user; a further one ends the one that was not used for the longest time.
    pub sessions_per_user: u64,
    /// Age at which a signing key is replaced. 0 means never.
    #[serde(deserialize_with = "time_delta")]
    pub key_rotation: TimeDelta,
    /// Time for which a new signing key is published before it signs.
    #[serde(deserialize_with = "time_delta")]
    pub key_publish_lead: TimeDelta,
    /// If true, keys of an algorithm that is no longer configured stay published until they are retired.
    pub publish_all_algorithms: bool,
}

/// A signature algorithm for access tokens (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SigningAlgorithm {
    /// ECDSA over P-256 with SHA-256: accepted by nearly every verifier.
    ES256,
    /// Ed25519.
    EdDSA,
    /// RSA of 2048 bits, PKCS #1 v1.5, with SHA-256: accepted by every verifier, slow to sign.
    RS256,
    /// HMAC with SHA-256: the key is never published, so only auth-graph can verify.
    HS256,
}

impl SigningAlgorithm {
    /// Returns the name in the JOSE registry, which is the value of `alg`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::RS256 => "RS256",
            Self::HS256 => "HS256",
        }
    }
}
