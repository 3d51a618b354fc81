//! What access tokens say and allow, for each audience.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::one_or_many;
use crate::values::{ClaimName, ClaimSource, Scopes};

/// What the tokens for an audience may allow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopesOfAudience {
    /// The audience.
    pub audience: String,
    /// The scopes.
    pub scopes: Scopes,
}

/// What access tokens say beside the standard claims.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Whether there are `user_id` and `token_type`.
    pub django: bool,
    /// What `user_id` is.
    pub user_id: UserIdClaim,
    /// What else is said, for each audience.
    pub policies: Vec<ClaimsForAudience>,
    /// How long the claims of the policies may be together, and those of the hook, as JSON.
    pub max_bytes: usize,
    /// Who else is asked.
    pub hook: ClaimsHook,
}

/// By what `user_id` names a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserIdClaim {
    /// As `sub` does.
    Uuid,
    /// By the number that systems with integer identifiers know.
    Number,
}

/// Which attributes of a user become claims.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimsForAudience {
    /// In the tokens for whom.
    pub audience: String,
    /// The names of the claims, and where each comes from.
    pub claims: BTreeMap<ClaimName, ClaimSource>,
}

/// A service of the operator that is asked for further claims.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimsHook {
    /// Its address; empty: there is none.
    pub url: String,
    /// What requests are signed with, each of them.
    #[serde(deserialize_with = "one_or_many")]
    pub secrets: Vec<SecretString>,
    /// How long its answer is waited for.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// What happens when it fails.
    pub on_failure: HookFailure,
}

/// What happens to a sign-in or a refresh when the claims hook fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookFailure {
    /// It is told to come back.
    Refuse,
    /// It gets a token without the claims of the hook.
    Omit,
}
