//! Rules about the caller's mirrored user, for facts that an access token does not hold.

use async_graphql::{Guard, Result};

use super::{Demand, Rule, caller, pass, policy};
use crate::error::{ApiError, Error, Reason};

/// Admits callers whose mirrored user has a role.
#[derive(Clone, Copy, Debug)]
pub struct HasRole(pub &'static str);

/// Admits callers whose mirrored user has confirmed the e-mail address.
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
        pass(user.roles.iter().any(|role| role == self.0), || Error::missing_role(self.0))
    }
}

impl Guard for VerifiedEmail {
    async fn check(&self, ctx: &async_graphql::Context<'_>) -> Result<()> {
        let user = caller(ctx)?.user().await.map_err(ApiError::from)?;
        pass(user.email_verified, || Error::forbidden(Reason::EmailNotVerified))
    }
}
