//! Access rules for fields of a GraphQL schema. `#[graphql(access(HasScope::new("notes:read")))]` below `#[guarded]`
//! is both the check at run time and the directive in the schema for gateways.
//!
//! The rules find the caller in the request's [`Context`], which the service puts into the request's data. A rule
//! applies to a field or to an object; a field's rule replaces that of its object. Entities need rules like other
//! types.
//!
//! | rule | admits | directive |
//! | --- | --- | --- |
//! | [`Open`] | every caller | none |
//! | [`Authenticated`] | callers with a good access token | `@authenticated` |
//! | [`HasScope`] | callers whose token has all, or any, of some scopes | `@requiresScopes` |
//! | [`Fresh`] | callers whose token auth-graph confirms now | `@policy`, `fresh` |
//! | [`IsSelf`] | the user to whom the field belongs | `@policy`, `self` |
//! | [`HasRole`] | callers whose mirrored user has a role | `@policy`, `role:` and its name |
//! | [`VerifiedEmail`] | callers whose mirrored user has confirmed the e-mail address | `@policy`, `verified_email` |
//!
//! [`deny_by_default`] refuses a schema in which a field of a root type or of an entity has no rule.
//!
//! The fields of a `#[ComplexObject]` have their own rules:
//!
//! ```
//! # use async_graphql::{ComplexObject, SimpleObject};
//! # use client_graph::guard::{Authenticated, access, guarded};
//! #[guarded]
//! #[derive(SimpleObject)]
//! #[graphql(complex)]
//! struct Report {
//!     #[graphql(access(Authenticated))]
//!     title: String,
//! }
//!
//! #[guarded]
//! #[ComplexObject]
//! impl Report {
//!     #[graphql(access(Authenticated))]
//!     async fn pages(&self) -> i32 {
//!         1
//!     }
//! }
//! ```
//!
//! async-graphql would not apply a rule of the type to them. Such a rule does not compile, in one attribute or in two:
//!
//! ```compile_fail
//! # use async_graphql::{ComplexObject, SimpleObject};
//! # use client_graph::guard::{Authenticated, access, guarded};
//! #[guarded]
//! #[derive(SimpleObject)]
//! #[graphql(complex, access(Authenticated))]
//! struct Report {
//!     title: String,
//! }
//! # #[ComplexObject]
//! # impl Report {
//! #     async fn pages(&self) -> i32 {
//! #         1
//! #     }
//! # }
//! ```
//!
//! ```compile_fail
//! # use async_graphql::{ComplexObject, SimpleObject};
//! # use client_graph::guard::{Authenticated, access, guarded};
//! #[guarded]
//! #[derive(SimpleObject)]
//! #[graphql(complex)]
//! #[graphql(access(Authenticated))]
//! struct Report {
//!     title: String,
//! }
//! # #[ComplexObject]
//! # impl Report {
//! #     async fn pages(&self) -> i32 {
//! #         1
//! #     }
//! # }
//! ```
//!
//! A gateway refuses a policy that it does not know. Compose a subgraph with policies for a gateway that knows them, or
//! leave its directives out.

mod mirrored;

use async_graphql::{Guard, Result};

use crate::client::Context;
use crate::error::{ApiError, Error, Reason};

pub use mirrored::{HasRole, VerifiedEmail};
pub use subgraph::{
    Demand, Directives, NonNullReferences, Representation, Rule, ServiceSdl, Subgraph, Undecided, access,
    deny_by_default, federation_sdl, guarded, key, nullable_references, plain_sdl,
};

/// Admits every caller, with or without an access token. It shows that this is a decision.
#[derive(Clone, Copy, Debug)]
pub struct Open;

/// Admits callers with a good access token.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated;

/// Admits callers whose access token has scopes.
#[derive(Clone, Copy, Debug)]
pub struct HasScope(RequiredScopes);

#[derive(Clone, Copy, Debug)]
enum RequiredScopes {
    One(&'static str),
    All(&'static [&'static str]),
    Any(&'static [&'static str]),
}

/// Admits callers whose access token auth-graph confirms now, and no caller while auth-graph cannot be asked. For
/// fields that are too sensitive to rely on what this process knows.
#[derive(Clone, Copy, Debug)]
pub struct Fresh;

/// Admits one user: `access(IsSelf => id)`, where the id is an argument of the field or part of `self`.
#[derive(Clone, Copy, Debug)]
pub struct IsSelf;

/// The check of [`IsSelf`] for one user.
#[derive(Clone, Debug)]
pub struct IsUser(String);

impl HasScope {
    /// Requires this scope.
    #[must_use]
    pub fn new(scope: &'static str) -> Self {
        Self(RequiredScopes::One(scope))
    }

    /// Requires all of these scopes.
    #[must_use]
    pub fn all(scopes: &'static [&'static str]) -> Self {
        Self(RequiredScopes::All(scopes))
    }

    /// Requires at least one of these scopes.
    #[must_use]
    pub fn any(scopes: &'static [&'static str]) -> Self {
        Self(RequiredScopes::Any(scopes))
    }
}

impl IsSelf {
    /// Returns the check for this user.
    #[must_use]
    pub fn of(self, user: impl ToString) -> IsUser {
        IsUser(user.to_string())
    }
}

impl Rule for Open {
    fn demand(&self) -> Demand {
        Demand::Nothing
    }
}

impl Rule for Authenticated {
    fn demand(&self) -> Demand {
        Demand::Authenticated
    }
}

impl Rule for HasScope {
    fn demand(&self) -> Demand {
        let owned = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Demand::Scopes(match self.0 {
            RequiredScopes::One(scope) => vec![owned(&[scope])],
            RequiredScopes::All(scopes) => vec![owned(scopes)],
            RequiredScopes::Any(scopes) => scopes.iter().map(|scope| owned(&[scope])).collect(),
        })
    }
}

impl Rule for Fresh {
    fn demand(&self) -> Demand {
        policy("fresh")
    }
}

impl Rule for IsSelf {
    fn demand(&self) -> Demand {
        policy("self")
    }
}

fn policy(name: impl Into<String>) -> Demand {
    Demand::Policies(vec![vec![name.into()]])
}

impl Guard for Open {
    async fn check(&self, _: &async_graphql::Context<'_>) -> Result<()> {
        Ok(())
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
        Ok(match self.0 {
            RequiredScopes::One(scope) => principal.require_scope(scope),
            RequiredScopes::All(scopes) => principal.require_scopes(scopes),
            RequiredScopes::Any(scopes) => principal.require_any_scope(scopes),
        }
        .map_err(ApiError::from)?)
    }
}

impl Guard for Fresh {
    async fn check(&self, ctx: &async_graphql::Context<'_>) -> Result<()> {
        caller(ctx)?.fresh_principal().await.map_err(ApiError::from)?;
        Ok(())
    }
}

impl Guard for IsUser {
    async fn check(&self, ctx: &async_graphql::Context<'_>) -> Result<()> {
        let principal = caller(ctx)?.principal().map_err(ApiError::from)?;
        pass(principal.subject.to_string() == self.0, || Error::forbidden(Reason::NotSelf))
    }
}

fn pass(allowed: bool, refusal: impl FnOnce() -> Error) -> Result<()> {
    if allowed { Ok(()) } else { Err(ApiError::from(refusal()).into()) }
}

/// Returns the request's context.
///
/// # Errors
/// `INTERNAL` when the request's data has no context.
pub fn caller<'a>(ctx: &async_graphql::Context<'a>) -> std::result::Result<&'a Context, ApiError> {
    ctx.data_opt::<Context>().ok_or_else(|| {
        let fix = "the request has no client_graph::Context: add the one of AuthGraph::context with Request::data";
        Error::misused(fix).into()
    })
}

/// Answers a field that can be null with null and an error at the field, so that the rest of the answer stays. An error
/// that a resolver returns, or a guard, leaves the field out.
pub fn refuse<T>(ctx: &async_graphql::Context<'_>, error: Error) -> Option<T> {
    let error = async_graphql::Error::from(ApiError::from(error)).into_server_error(ctx.item.pos);
    ctx.add_error(ctx.set_error_path(error));
    None
}
