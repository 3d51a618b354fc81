//! The claims policy: which attributes of a user become claims of their access tokens, for each audience.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::easyjwt;
use model::config;
use model::values::{AdditionalClaims, ClaimName, ClaimSource, Username};
use store::users;

/// The configured policy.
#[derive(Debug)]
pub struct ClaimsPolicy(config::Claims);

impl ClaimsPolicy {
    /// Builds the policy of this configuration.
    #[must_use]
    pub fn new(config: config::Claims) -> Self {
        Self(config)
    }

    /// Returns the claims about a user in a token for this audience. If the claims are too long together, all are left
    /// out, so that a user whose metadata has grown can still sign in.
    #[must_use]
    pub fn of_user(&self, user: &users::Model, audience: &str) -> AdditionalClaims {
        let mut claims = AdditionalClaims::default();
        for (name, source) in self.sources(audience) {
            claims.insert(name, attribute(user, source));
        }
        if self.fits(&claims) {
            return claims;
        }
        tracing::warn!(user = %user.id, bytes = claims.size(), "the claims of a user are too long and were left out");
        AdditionalClaims::default()
    }

    /// Returns whether the claims are short enough for a token.
    #[must_use]
    pub fn fits(&self, claims: &AdditionalClaims) -> bool {
        claims.size() <= self.0.max_bytes
    }

    /// Returns the names that a token can have in addition to the standard ones, as far as they are known beforehand.
    /// The names of the hook are unknown.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let of_policies = self.0.policies.iter().flat_map(|policy| policy.claims.keys()).map(ClaimName::as_str);
        of_policies.chain(easyjwt::claims::names(&self.0).iter().copied()).collect()
    }

    fn sources<'a>(&'a self, audience: &'a str) -> impl Iterator<Item = (&'a ClaimName, &'a ClaimSource)> {
        self.0.policies.iter().filter(move |policy| policy.audience == audience).flat_map(|policy| &policy.claims)
    }
}

/// Returns the value of an attribute, or null if the user has none.
pub(crate) fn attribute(user: &users::Model, source: &ClaimSource) -> Value {
    match source {
        ClaimSource::Email => given(user.email.shown()),
        ClaimSource::EmailVerified => json!(user.email_verified),
        ClaimSource::Username => json!(user.username.as_ref().map(Username::as_str)),
        ClaimSource::FirstName => given(&user.first_name),
        ClaimSource::LastName => given(&user.last_name),
        ClaimSource::PhoneNumber => json!(user.phone_number),
        ClaimSource::IsStaff => json!(user.is_staff),
        ClaimSource::IsSuperuser => json!(user.is_superuser),
        ClaimSource::Roles => json!(user.roles()),
        ClaimSource::Metadata(path) => {
            let found = path.iter().try_fold(&user.metadata, |value, name| value.get(name));
            found.cloned().unwrap_or_default()
        }
    }
}

/// Returns the text as a claim. A text that is not set becomes null (OpenID Connect Core, section 5.3.2).
fn given(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}
