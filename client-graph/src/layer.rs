//! Middleware and extractors for axum.
//!
//! `Router::layer(auth.layer())` builds the [`Context`] of each request, which the extractors and [`Require`] need.
//! [`Require`] protects many routes at once: `route_layer(Require::scope("notes:read"))`. [`Permitted`] protects a
//! single route and extracts its caller.

mod require;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::Response;
use tower::{Layer, Service};

use crate::client::AuthGraph;
use crate::client::{Caller, Context};
use crate::error::Error;
use crate::principal::Principal;

pub use require::{Permission, Permitted, Require, RequireService};

/// Builds the [`Context`] of each request; created by [`AuthGraph::layer`].
#[derive(Clone, Debug)]
pub struct ContextLayer {
    auth: AuthGraph,
}

/// A service inside a [`ContextLayer`].
#[derive(Clone, Debug)]
pub struct ContextService<S> {
    auth: AuthGraph,
    inner: S,
}

/// Extracts the verified caller; answers 401 without one.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Arc<Principal>);

/// Extracts the verified caller if the request has a token. A token that is not good is refused.
#[derive(Clone, Debug)]
pub struct OptionalPrincipal(pub Option<Arc<Principal>>);

/// Extracts the caller's mirrored user, which is created on the first visit.
#[derive(Clone, Debug)]
pub struct CurrentUser(pub crate::mirror::MirroredUser);

impl AuthGraph {
    /// Returns a layer that puts the [`Context`] of each request into its extensions.
    #[must_use]
    pub fn layer(&self) -> ContextLayer {
        ContextLayer { auth: self.clone() }
    }
}

impl<S> Layer<S> for ContextLayer {
    type Service = ContextService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ContextService { auth: self.auth.clone(), inner }
    }
}

impl<S> Service<Request> for ContextService<S>
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

    fn call(&mut self, mut request: Request) -> Self::Future {
        let auth = self.auth.clone();
        // The service that was polled ready is the one that is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let context = auth.context(request.headers()).await;
            request.extensions_mut().insert(context);
            inner.call(request).await
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Context {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let missing = "the request has no client_graph::Context: add AuthGraph::layer() to the router";
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Error::internal(missing).with_detail(missing))
    }
}

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let context = Context::from_request_parts(parts, state).await?;
        context.principal().map(|principal| Self(Arc::clone(principal)))
    }
}

impl<S: Sync> FromRequestParts<S> for OptionalPrincipal {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match Context::from_request_parts(parts, state).await?.caller() {
            Caller::Anonymous => Ok(Self(None)),
            Caller::Principal(principal) => Ok(Self(Some(Arc::clone(principal)))),
            Caller::Refused(error) => Err(error.clone()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Context::from_request_parts(parts, state).await?.user().await.map(Self)
    }
}
