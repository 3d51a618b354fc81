//! Cache of answers about access tokens. Gateways and resource servers ask the same question about a token with each of
//! their requests. The answer follows from the token, so that it is computed once.
//!
//! [`Remembered`] is a layer around `/graphql` and `/oauth/introspect`, whose handlers do not know it. It recognises a
//! question by the request (in `question`), and an answer by the response. The token is checked again each time
//! (`engine::verification::Basis`).

mod answers;
mod question;

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http_input::BodyError;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tower::{Layer, Service};

use answers::{Answer, Answers, QuestionName};
use engine::app::App;
use engine::verification::BasisState;
use question::Question;

/// Maximum length of a body that is inspected. A question about a token is shorter.
const LONGEST: u64 = 16 * 1024;

/// The layer with its cache. Clones share the cache.
#[derive(Clone)]
pub struct Remembered {
    app: App,
    answers: Arc<Answers>,
}

impl Remembered {
    /// Creates a layer with an empty cache.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self { app: app.clone(), answers: Arc::default() }
    }

    /// Returns the number of cached answers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Returns whether the cache is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the cached answer to a question, if it still holds.
    fn find(&self, name: &QuestionName) -> Option<Response> {
        let answer = self.answers.find(name)?;
        match answer.basis.confirm(&self.app) {
            BasisState::Holds => {
                let mut response = Response::new(answer.text.into());
                *response.headers_mut() = answer.headers;
                Some(response)
            }
            BasisState::Unknown => None,
            BasisState::Ended => {
                self.answers.forget(name);
                None
            }
        }
    }
}

impl<S> Layer<S> for Remembered {
    type Service = Remembering<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Remembering { room: self.clone(), inner }
    }
}

/// A service whose answers about tokens are cached.
#[derive(Clone)]
pub struct Remembering<S> {
    room: Remembered,
    inner: S,
}

impl<S> Service<Request> for Remembering<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let has_length = request.body().size_hint().exact().is_some_and(|length| length <= LONGEST);
        if request.method() != Method::POST || !has_length {
            return Box::pin(self.inner.call(request));
        }
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let room = self.room.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = match http_input::receive(body, LONGEST as usize).await {
                Ok(body) => body,
                Err(error) => return pass(inner, parts, unreadable(error)).await,
            };
            let name = QuestionName::of(&parts, &body);
            match room.find(&name) {
                Some(response) => Ok(response),
                // The future is boxed, so that cached answers do not pay for its size.
                None => Box::pin(ask(room, inner, parts, body, name)).await,
            }
        })
    }
}

/// Passes a request on, and caches the response if the request is a question about a valid token.
async fn ask<S>(
    room: Remembered,
    inner: S,
    parts: Parts,
    body: Bytes,
    name: QuestionName,
) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let basis = match Question::read(&parts, &body) {
        Some(question) => question.basis(&room.app).await,
        None => None,
    };
    let response = pass(inner, parts, body.into()).await?;
    let Some(basis) = basis.filter(|_| is_whole_json(&response)) else { return Ok(response) };
    let (head, body) = response.into_parts();
    let text = to_bytes(body, usize::MAX).await.expect("it is in memory");
    if is_answered(&text) {
        room.answers.remember(name, Answer { basis, headers: head.headers.clone(), text: text.clone() });
    }
    Ok(Response::from_parts(head, text.into()))
}

async fn pass<S>(mut inner: S, parts: Parts, body: Body) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    inner.call(Request::from_parts(parts, body)).await
}

/// Returns a body that fails for the next reader with the same error.
fn unreadable(error: BodyError<axum::Error>) -> Body {
    let error = match error {
        BodyError::Broken(error) => error,
        BodyError::TimedOut | BodyError::TooLarge => axum::Error::new(http_input::TimedOut),
    };
    Body::from_stream(stream::once(ready(Err::<Bytes, _>(error))))
}

/// Returns whether a response is one JSON text, and not a stream of events.
fn is_whole_json(response: &Response) -> bool {
    let types = ["application/json", "application/graphql-response+json"];
    response.status() == StatusCode::OK && http_input::is_one_of(response.headers(), &types)
}

/// Returns whether a response has data and no error (GraphQL), or describes an active token (introspection).
fn is_answered(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answered {
        data: Option<IgnoredAny>,
        errors: Option<IgnoredAny>,
        active: Option<bool>,
    }
    serde_json::from_slice::<Answered>(text)
        .is_ok_and(|answered| answered.errors.is_none() && (answered.data.is_some() || answered.active == Some(true)))
}
