//! Access rules of fields: `access(HasScope(…))`. They are checked here, whether or not a gateway enforces the
//! directives that are derived from them.

use async_graphql::{Context, Guard};
use subgraph::{Demand, Rule};

use super::caller::{app, principal};
use super::error::ApiError;
use engine::callers::view::UserView;
use model::error::Error;

/// Requires a signed-in caller.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated;

impl Rule for Authenticated {
    fn demand(&self) -> Demand {
        Demand::Authenticated
    }
}

impl Guard for Authenticated {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        principal(ctx)?;
        Ok(())
    }
}

/// Requires a scope in the caller's token.
#[derive(Clone, Copy, Debug)]
pub struct HasScope(pub &'static str);

impl Rule for HasScope {
    fn demand(&self) -> Demand {
        Demand::Scopes(vec![vec![self.0.to_owned()]])
    }
}

impl Guard for HasScope {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        if principal(ctx)?.has_scope(self.0) { Ok(()) } else { Err(ApiError::from(Error::MissingScope(self.0)).into()) }
    }
}

/// Requires a scope in the caller's token, and rejects service clients that see only some users or fields. It guards
/// lists and logs of all users.
#[derive(Clone, Copy, Debug)]
pub struct HasScopeForAll(pub &'static str);

impl Rule for HasScopeForAll {
    fn demand(&self) -> Demand {
        HasScope(self.0).demand()
    }
}

impl Guard for HasScopeForAll {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        HasScope(self.0).check(ctx).await?;
        Ok(UserView::require_everything(app(ctx), principal(ctx)?).await.map_err(ApiError::from)?)
    }
}
