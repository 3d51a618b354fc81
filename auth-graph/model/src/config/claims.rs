//! Claims and scopes of access tokens, by audience.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::secret_list::one_or_many;
use crate::values::{ClaimName, ClaimSource, Scopes};

/// Scopes that the tokens for an audience may have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopesOfAudience {
    /// Audience of the tokens.
    pub audience: String,
    /// Scopes that the tokens may have.
    pub scopes: Scopes,
}

/// Claims of access tokens in addition to the standard ones.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// If true, tokens have the claims `user_id` and `token_type`.
    pub django: bool,
    /// Value of `user_id`.
    pub user_id: UserIdClaim,
    /// Attributes of users that become claims, by audience.
    pub policies: Vec<ClaimsForAudience>,
    /// Longest JSON of the claims of the policies, and of those of the hook, in bytes.
    pub max_bytes: usize,
    /// Service that adds further claims.
    pub hook: ClaimsHook,
}

/// Value of the claim `user_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserIdClaim {
    /// The same value as `sub`.
    Uuid,
    /// Number of the user, for systems with integer identifiers.
    Number,
}

/// Attributes of users that become claims of the tokens for an audience.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimsForAudience {
    /// Audience of the tokens.
    pub audience: String,
    /// Names of the claims, and the source of each.
    pub claims: BTreeMap<ClaimName, ClaimSource>,
    /// If true, claims may come from members of `metadata` that users set themselves.
    #[serde(default)]
    pub user_settable: bool,
}

/// Service of the operator that adds further claims.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimsHook {
    /// Address of the service. If it is empty, there is no hook.
    pub url: String,
    /// Secrets that sign the requests. Each request has a signature by each of them.
    #[serde(deserialize_with = "one_or_many")]
    pub secrets: Vec<SecretString>,
    /// Time to wait for the answer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Consequence of a failure.
    pub on_failure: HookFailure,
}

/// Consequence of a failed claims hook for a sign-in or a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookFailure {
    /// The request is rejected and may be repeated.
    Refuse,
    /// The token is issued without the claims of the hook.
    Omit,
}
