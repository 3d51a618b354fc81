//! Access to fields of a GraphQL schema: `#[graphql(guard = "Authenticated")]`.
//!
//! They find the caller in the request's [`Context`], which the service puts into its data. Entity
//! resolvers need them like any other field.

use async_graphql::{Guard, Result};

use crate::context::Context;
use crate::error::{ApiError, Code, Error};

/// Somebody with a good access token.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated;

/// A principal whose access token has a scope.
#[derive(Clone, Copy, Debug)]
pub struct HasScope {
    scope: &'static str,
}

/// A principal whose access token auth-graph confirms right now; it fails closed. For fields that are too sensitive to
/// rely on what this service knows.
#[derive(Clone, Copy, Debug)]
pub struct Fresh;

impl HasScope {
    /// Asks for this scope.
    #[must_use]
    pub fn new(scope: &'static str) -> Self {
        Self { scope }
    }
}

impl Guard for Authenticated {
    async fn check(&self, ctx: &async_graphql::Context<'_>) -> Result<()> {
        caller(ctx)?.principal().map_err(ApiError::from)?;
        Ok(())
    }
}

impl Guard for HasScope {
    async fn check(&self, ctx: &async_graphql::Context<'_>) -> Result<()> {
        let principal = caller(ctx)?.principal().map_err(ApiError::from)?;
        principal.require_scope(self.scope).map_err(ApiError::from)?;
        Ok(())
    }
}

impl Guard for Fresh {
    async fn check(&self, ctx: &async_graphql::Context<'_>) -> Result<()> {
        caller(ctx)?.fresh_principal().await.map_err(ApiError::from)?;
        Ok(())
    }
}

/// The request's context.
///
/// # Errors
/// `INTERNAL` when the service did not put one into the request's data.
pub fn caller<'a>(ctx: &async_graphql::Context<'a>) -> std::result::Result<&'a Context, ApiError> {
    ctx.data_opt::<Context>().ok_or_else(|| {
        let fix = "the request has no client_graph::Context: add the one of AuthGraph::context with Request::data";
        Error::new(Code::Internal).with_source(fix).into()
    })
}
