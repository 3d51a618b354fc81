//! Rules about the caller's mirrored user: what an access token does not say.

use async_graphql::{Guard, Result};

use super::{Demand, Rule, caller, pass, policy};
use crate::error::ApiError;

/// A principal whose mirrored user holds a role.
#[derive(Clone, Copy, Debug)]
pub struct HasRole(pub &'static str);

/// A principal whose mirrored user has proven the e-mail address.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedEmail;

impl Rule for HasRole {
    fn demand(&self) -> Demand {
        policy(format!("role:{}", self.0))
    }
}

impl Rule for VerifiedEmail {
    fn demand(&self) -> Demand {
        policy("verified_email")
    }
}

impl Guard for HasRole {
    async fn check(&self, ctx: &async_graphql::Context<'_>) -> Result<()> {
        let user = caller(ctx)?.user().await.map_err(ApiError::from)?;
        pass(user.roles.iter().any(|role| role == self.0))
    }
}

impl Guard for VerifiedEmail {
    async fn check(&self, ctx: &async_graphql::Context<'_>) -> Result<()> {
        let user = caller(ctx)?.user().await.map_err(ApiError::from)?;
        pass(user.email_verified)
    }
}
