//! Access to fields of a GraphQL schema, written once: `#[graphql(requires(HasScope::new("notes:read")))]` below
//! `#[guarded]` is the check at run time and the directive that gateways are told.
//!
//! The rules find the caller in the request's [`Context`], which the service puts into its data. They stand on fields
//! or on whole objects; a field's own rule replaces that of its object. Entities need them like anything else.
//!
//! | rule | lets in | directive |
//! | --- | --- | --- |
//! | [`Open`] | everybody | none |
//! | [`Authenticated`] | whoever has a good access token | `@authenticated` |
//! | [`HasScope`] | whose token has all, or any, of some scopes | `@requiresScopes` |
//! | [`Fresh`] | whose token auth-graph confirms right now | `@policy`, `fresh` |
//! | [`IsSelf`] | the user whom something is about | `@policy`, `self` |
//! | [`HasRole`] | whose mirrored user holds a role | `@policy`, `role:` and its name |
//! | [`VerifiedEmail`] | whose mirrored user has proven the e-mail address | `@policy`, `verified_email` |
//!
//! [`deny_by_default`] refuses a schema in which a field of a root type or of an entity has no rule.
//!
//! The fields of a `#[ComplexObject]` have rules of their own:
//!
//! ```
//! # use async_graphql::{ComplexObject, SimpleObject};
//! # use client_graph::guard::{Authenticated, guarded, requires};
//! #[guarded]
//! #[derive(SimpleObject)]
//! #[graphql(complex)]
//! struct Report {
//!     #[graphql(requires(Authenticated))]
//!     title: String,
//! }
//!
//! #[guarded]
//! #[ComplexObject]
//! impl Report {
//!     #[graphql(requires(Authenticated))]
//!     async fn pages(&self) -> i32 {
//!         1
//!     }
//! }
//! ```
//!
//! async-graphql would not apply a rule of the type to them, so that does not compile, in one attribute or in two:
//!
//! ```compile_fail
//! # use async_graphql::{ComplexObject, SimpleObject};
//! # use client_graph::guard::{Authenticated, guarded, requires};
//! #[guarded]
//! #[derive(SimpleObject)]
//! #[graphql(complex, requires(Authenticated))]
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
//! # use client_graph::guard::{Authenticated, guarded, requires};
//! #[guarded]
//! #[derive(SimpleObject)]
//! #[graphql(complex)]
//! #[graphql(requires(Authenticated))]
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
//! A gateway refuses a policy that it does not know, so a subgraph with policies goes into a graph whose gateway knows
//! them, or without its directives.

mod mirrored;

use async_graphql::{Guard, Result};

use crate::client::Context;
use crate::error::{ApiError, Code, Error};

pub use mirrored::{HasRole, VerifiedEmail};
pub use subgraph::{
    Demand, Directives, Representation, Rule, ServiceSdl, Subgraph, Undecided, deny_by_default, federation_sdl,
    guarded, key, plain_sdl, requires,
};

/// Everybody, with or without an access token: it says that somebody decided so.
#[derive(Clone, Copy, Debug)]
pub struct Open;

/// Somebody with a good access token.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated;

/// A principal whose access token has scopes.
#[derive(Clone, Copy, Debug)]
pub struct HasScope(Wanted);

#[derive(Clone, Copy, Debug)]
enum Wanted {
    One(&'static str),
    All(&'static [&'static str]),
    Any(&'static [&'static str]),
}

/// A principal whose access token auth-graph confirms right now; it fails closed. For fields that are too sensitive to
/// rely on what this service knows.
#[derive(Clone, Copy, Debug)]
pub struct Fresh;

/// The user whom something is about: `requires(IsSelf => id)`, with an argument of the field or something of `self`.
#[derive(Clone, Copy, Debug)]
pub struct IsSelf;

/// The check of [`IsSelf`] for one user.
#[derive(Clone, Debug)]
pub struct IsUser(String);

impl HasScope {
    /// Asks for this scope.
    #[must_use]
    pub fn new(scope: &'static str) -> Self {
        Self(Wanted::One(scope))
    }

    /// Asks for each of these scopes.
    #[must_use]
    pub fn all(scopes: &'static [&'static str]) -> Self {
        Self(Wanted::All(scopes))
    }

    /// Asks for one of these scopes, whichever.
    #[must_use]
    pub fn any(scopes: &'static [&'static str]) -> Self {
        Self(Wanted::Any(scopes))
    }
}

impl IsSelf {
    /// The check for this user.
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
            Wanted::One(scope) => vec![owned(&[scope])],
            Wanted::All(scopes) => vec![owned(scopes)],
            Wanted::Any(scopes) => scopes.iter().map(|scope| owned(&[scope])).collect(),
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
        pass(match self.0 {
            Wanted::One(scope) => principal.has_scope(scope),
            Wanted::All(scopes) => principal.has_scopes(scopes),
            Wanted::Any(scopes) => principal.has_any_scope(scopes),
        })
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
        pass(principal.subject.to_string() == self.0)
    }
}

fn pass(allowed: bool) -> Result<()> {
    if allowed { Ok(()) } else { Err(ApiError::from(Error::new(Code::Forbidden)).into()) }
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
