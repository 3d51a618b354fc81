//! The rule that services can trust the claims of a policy: users do not write their own, unless the policy says so.

use crate::config::{ClaimsForAudience, Config};
use crate::values::{ClaimName, ClaimSource};

impl Config {
    /// Returns the reason against a claim that users could write themselves.
    pub(super) fn objection(
        &self,
        policy: &ClaimsForAudience,
        name: &ClaimName,
        source: &ClaimSource,
    ) -> Option<String> {
        let name_text = name.as_str();
        let by_users = match source.metadata_key() {
            None => source.is_profile(),
            Some(key) => !key.is_some_and(|key| self.accounts.reserves(key)),
        };
        if !by_users {
            None
        } else if name.is_power() {
            Some(format!("{name_text} says what the bearer may do, and users set {source} themselves"))
        } else if source.is_profile() || policy.user_settable {
            None
        } else {
            let remedy = match source.metadata_key().flatten() {
                Some(key) => format!(
                    "take it from metadata._{key}, add {key} to accounts.reserved_metadata, or set user_settable = true"
                ),
                None => "name a key that begins with _, or set user_settable = true".to_owned(),
            };
            Some(format!(
                "{name_text} comes from {source}, which users set themselves. Services would trust it: {remedy} in the \
                 policy"
            ))
        }
    }
}
