//! A layer that lets a request through if its caller may: for routes without a schema whose fields have rules.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{self, Poll};

use axum::extract::{FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service};

use crate::context::Context;
use crate::error::Error;

/// What the caller of a route needs. It goes below [`AuthGraph::layer`](crate::AuthGraph::layer), which must be added
/// after it.
#[derive(Clone, Copy, Debug)]
pub struct Require(Needed);

#[derive(Clone, Copy, Debug)]
enum Needed {
    Authenticated,
    Scope(&'static str),
    Fresh,
}

/// What [`Require`] makes of a service.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    needed: Needed,
    inner: S,
}

impl Require {
    /// A good access token.
    #[must_use]
    pub fn authenticated() -> Self {
        Self(Needed::Authenticated)
    }

    /// An access token with this scope.
    #[must_use]
    pub fn scope(scope: &'static str) -> Self {
        Self(Needed::Scope(scope))
    }

    /// An access token that auth-graph confirms right now.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Needed::Fresh)
    }
}

impl Needed {
    async fn check(self, context: &Context) -> Result<(), Error> {
        match self {
            Self::Authenticated => context.principal().map(|_| ()),
            Self::Scope(scope) => context.principal()?.require_scope(scope),
            Self::Fresh => context.fresh_principal().await.map(|_| ()),
        }
    }
}

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService { needed: self.0, inner }
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
        let needed = self.needed;
        // The service that was polled ready is the one that is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let allowed = match Context::from_request_parts(&mut parts, &()).await {
                Ok(context) => needed.check(&context).await,
                Err(error) => Err(error),
            };
            match allowed {
                Ok(()) => inner.call(Request::from_parts(parts, body)).await,
                Err(error) => Ok(error.into_response()),
            }
        })
    }
}
