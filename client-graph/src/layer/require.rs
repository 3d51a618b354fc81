//! Access rules for routes: as a layer for many routes, and as an extractor for one.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service};

use crate::client::Context;
use crate::error::{Error, Reason};
use crate::ids::UserId;
use crate::principal::Principal;

/// Access rules for routes: those of the [guards](crate::guard), for routes without a schema. Add it as a layer before
/// [`AuthGraph::layer`](crate::AuthGraph::layer).
#[derive(Clone, Debug)]
pub struct Require(Vec<Needed>);

#[derive(Clone, Copy, Debug)]
enum Needed {
    Authenticated,
    Scope(&'static str),
    AllScopes(&'static [&'static str]),
    AnyScope(&'static [&'static str]),
    Role(&'static str),
    VerifiedEmail,
    Fresh,
    IsSelf(&'static str),
}

/// A service inside a [`Require`] layer.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    needed: Require,
    inner: S,
}

/// A named access rule, for the extractor [`Permitted`].
pub trait Permission {
    /// Returns the rule.
    fn required() -> Require;
}

/// Extracts the verified caller if they satisfy a [`Permission`].
///
/// ```
/// use client_graph::layer::{Permission, Permitted, Require};
///
/// struct ReadNotes;
///
/// impl Permission for ReadNotes {
///     fn required() -> Require {
///         Require::scope("notes:read").and(Require::verified_email())
///     }
/// }
///
/// async fn notes(Permitted { principal, .. }: Permitted<ReadNotes>) -> String {
///     format!("The notes of {}", principal.subject)
/// }
/// # let _: axum::Router = axum::Router::new().route("/notes", axum::routing::get(notes));
/// ```
pub struct Permitted<P> {
    /// The caller.
    pub principal: Arc<Principal>,
    permission: PhantomData<P>,
}

impl Require {
    /// Requires a good access token.
    #[must_use]
    pub fn authenticated() -> Self {
        Self(vec![Needed::Authenticated])
    }

    /// Requires an access token with this scope.
    #[must_use]
    pub fn scope(scope: &'static str) -> Self {
        Self(vec![Needed::Scope(scope)])
    }

    /// Requires an access token with all of these scopes.
    #[must_use]
    pub fn all_scopes(scopes: &'static [&'static str]) -> Self {
        Self(vec![Needed::AllScopes(scopes)])
    }

    /// Requires an access token with at least one of these scopes.
    #[must_use]
    pub fn any_scope(scopes: &'static [&'static str]) -> Self {
        Self(vec![Needed::AnyScope(scopes)])
    }

    /// Requires that the mirrored user has this role.
    #[must_use]
    pub fn role(role: &'static str) -> Self {
        Self(vec![Needed::Role(role)])
    }

    /// Requires that the mirrored user has confirmed the e-mail address.
    #[must_use]
    pub fn verified_email() -> Self {
        Self(vec![Needed::VerifiedEmail])
    }

    /// Requires an access token that auth-graph confirms now.
    #[must_use]
    pub fn fresh() -> Self {
        Self(vec![Needed::Fresh])
    }

    /// Requires the user whose id is this parameter of the path, such as `user` of `/users/{user}/notes`. Add it with
    /// `route_layer`, because only a route has parameters.
    #[must_use]
    pub fn is_self(parameter: &'static str) -> Self {
        Self(vec![Needed::IsSelf(parameter)])
    }

    /// Requires both rules.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Returns the caller, if they satisfy the rules.
    async fn check(&self, parts: &mut Parts) -> Result<Arc<Principal>, Error> {
        let context = Context::from_request_parts(parts, &()).await?;
        let principal = context.principal()?;
        for needed in &self.0 {
            match *needed {
                Needed::Authenticated => {}
                Needed::Scope(scope) => principal.require_scope(scope)?,
                Needed::AllScopes(scopes) => principal.require_scopes(scopes)?,
                Needed::AnyScope(scopes) => principal.require_any_scope(scopes)?,
                Needed::Role(role) => {
                    if !context.user().await?.roles.iter().any(|held| held == role) {
                        return Err(Error::missing_role(role));
                    }
                }
                Needed::VerifiedEmail => {
                    if !context.user().await?.email_verified {
                        return Err(Error::forbidden(Reason::EmailNotVerified));
                    }
                }
                Needed::Fresh => drop(context.fresh_principal().await?),
                Needed::IsSelf(parameter) => {
                    let whom: Option<UserId> = parameter_of(parts, parameter).await?.parse().ok();
                    if whom != Some(principal.subject) {
                        return Err(Error::forbidden(Reason::NotSelf));
                    }
                }
            }
        }
        Ok(Arc::clone(principal))
    }
}

async fn parameter_of(parts: &mut Parts, name: &str) -> Result<String, Error> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await.map_err(|rejection| match rejection {
        RawPathParamsRejection::InvalidUtf8InPathParam(_) => Error::forbidden(Reason::NotSelf),
        other => Error::internal(other),
    })?;
    let found = parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
    found.ok_or_else(|| {
        Error::internal(format!("the path of the route has no parameter {{{name}}} for Require::is_self"))
    })
}

impl<P> fmt::Debug for Permitted<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Permitted").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl<P: Permission, S: Sync> FromRequestParts<S> for Permitted<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let principal = P::required().check(parts).await?;
        Ok(Self { principal, permission: PhantomData })
    }
}

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService { needed: self.clone(), inner }
    }
}

impl<S> Service<Request> for RequireService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, task: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let needed = self.needed.clone();
        // The service that was polled ready is the one that is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match needed.check(&mut parts).await {
                Ok(_) => inner.call(Request::from_parts(parts, body)).await,
                Err(error) => Ok(error.into_response()),
            }
        })
    }
}
