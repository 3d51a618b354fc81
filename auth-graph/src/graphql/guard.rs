//! Who may call a field. The check is made here, whatever a gateway in front does with directives.

use async_graphql::{Context, Guard};

use super::caller::principal;
use super::error::ApiError;
use crate::error::Error;

/// Lets callers pass who are signed in.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated;

impl Guard for Authenticated {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        principal(ctx)?;
        Ok(())
    }
}

/// Lets callers pass whose token holds a scope.
#[derive(Clone, Copy, Debug)]
pub struct HasScope(pub &'static str);

impl Guard for HasScope {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        if principal(ctx)?.has_scope(self.0) { Ok(()) } else { Err(ApiError::from(Error::Forbidden).into()) }
    }
}
