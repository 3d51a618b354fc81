//! The edge of a schema: everything that a request passes before it reaches the schema. The service identifies the
//! caller before [`Edge::post`], and the guards of the schema check permissions.

use std::{fmt, sync::Arc};

use async_graphql::{
    Data, Executor, ObjectType, Request, Response, Schema, SchemaBuilder, ServerError, SubscriptionType,
    ValidationMode, futures_util::stream::BoxStream,
};
use axum::{body::Body, http::HeaderMap, response::Response as HttpResponse};
use futures_util::{StreamExt, stream};

use crate::{
    Introspection, Limits, Settings,
    document::{self, Documents, Prepared, Validation, skipped},
    event_stream, multipart, request,
    response::{self, MediaType, Refusal, Stage},
    stopping::{Event, Stopping},
    streamed,
};

/// The form in which a response is sent.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// A single response with this media type.
    Whole(MediaType),
    /// Server-sent events.
    Events,
}

impl Form {
    /// Returns the media type of a refusal.
    fn media_type(self) -> MediaType {
        match self {
            Self::Whole(media_type) => media_type,
            Self::Events => MediaType::Json,
        }
    }
}

/// The edge of one schema. Cloning it is cheap, and the clones share the cache of documents.
pub struct Edge<Q, M, S> {
    schema: Schema<Q, M, S>,
    /// The schema for documents that were validated before.
    validated: Schema<Q, M, S>,
    parts: Arc<Parts>,
    on_error: Option<OnError>,
}

/// Function that is called with the code of every error that is sent.
type OnError = Arc<dyn Fn(&str) + Send + Sync>;

struct Parts {
    limits: Limits,
    documents: Documents,
    queries_by_get: bool,
    stopping: Stopping,
}

impl<Q, M, S> Clone for Edge<Q, M, S> {
    fn clone(&self) -> Self {
        Self {
            schema: self.schema.clone(),
            validated: self.validated.clone(),
            parts: Arc::clone(&self.parts),
            on_error: self.on_error.clone(),
        }
    }
}

impl<Q, M, S> fmt::Debug for Edge<Q, M, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Edge").field("limits", &self.parts.limits).finish_non_exhaustive()
    }
}

impl<Q, M, S> Edge<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    /// Creates the edge of a schema with limits. [`crate::bounded`] sets the limits that the schema itself checks.
    ///
    /// The schema is built twice, because async-graphql fixes the mode of validation when a schema is built. Validating
    /// a small operation takes as long as executing it, so that a document whose validity cannot change is validated
    /// once.
    pub fn new(build: impl Fn() -> SchemaBuilder<Q, M, S>, limits: Limits) -> Self {
        Self::configured(build, limits, Settings::default())
    }

    /// Creates the edge of a schema with limits and with settings of the operator.
    pub fn configured(build: impl Fn() -> SchemaBuilder<Q, M, S>, limits: Limits, settings: Settings) -> Self {
        let queries_by_get = settings.queries_by_get;
        let build = || match settings.introspection {
            Introspection::On => build(),
            Introspection::Off | Introspection::Auto => build().disable_introspection().disable_suggestions(),
        };
        Self {
            schema: build().validation_mode(ValidationMode::Strict).finish(),
            validated: build().validation_mode(ValidationMode::Fast).finish(),
            parts: Arc::new(Parts {
                documents: Documents::new(limits, settings),
                limits,
                queries_by_get,
                stopping: Stopping::default(),
            }),
            on_error: None,
        }
    }

    /// Calls this with the code of every error that is sent, for a counter.
    #[must_use]
    pub fn counting_errors(self, on_error: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { on_error: Some(Arc::new(on_error)), ..self }
    }

    /// Returns the number of parsed documents in the cache.
    pub fn remembered_documents(&self) -> usize {
        self.parts.documents.len()
    }

    /// Ends every subscription and every WebSocket, because the process stops. None of them is completed: event streams
    /// break off, and sockets are closed with 1012 (service restart), so that clients subscribe again. Other operations
    /// finish before.
    pub fn stop(&self) {
        self.parts.stopping.stop();
    }

    /// Answers a POST. `context` adds the data that the resolvers need, for example the verified caller.
    ///
    /// The body must be one JSON object with a `query`, or with the hash of a known document. Otherwise the status is
    /// 400, 408, 413 or 415. It is 406 if `Accept` names no available media type. In all other cases the status is 200,
    /// except that a client that prefers `application/graphql-response+json` gets 400 for a request that was not
    /// executed. Every error has a code.
    ///
    /// A client that accepts `multipart/mixed;subscriptionSpec="1.0"` gets the results of a subscription as its parts.
    /// A client that prefers `text/event-stream` gets the results as server-sent events, including those of a
    /// subscription. Headers that resolvers set are dropped then.
    pub async fn post(
        &self,
        headers: &HeaderMap,
        body: Body,
        context: impl FnOnce(Request) -> Request,
    ) -> HttpResponse {
        let accepted = response::Accepted::of(headers);
        let form = match (accepted.prefers_events(), accepted.media_type()) {
            (true, _) => Form::Events,
            (false, Ok(media_type)) => Form::Whole(media_type),
            // Such a client accepts an error as JSON too, although it may not say so.
            (false, Err(_)) if accepted.takes_subscription_parts() => Form::Whole(MediaType::Json),
            (false, Err(refusal)) => return self.refuse(refusal, MediaType::Json),
        };
        let read = async {
            request::check_content_type(headers)?;
            request::decode(&request::read(body, &self.parts.limits).await?)
        };
        let mut request = match read.await {
            Ok(request) => context(request),
            Err(refusal) => return self.refuse(refusal, form.media_type()),
        };
        match form {
            Form::Events => {
                let answers = self.stream(request, Arc::default());
                streamed::into_http(answers, self.limits(), event_stream::FRAMING)
            }
            Form::Whole(media_type) => {
                let (mut response, stage) = match self.parts.documents.prepare(&mut request) {
                    Ok(prepared) if accepted.takes_subscription_parts() && document::is_subscription(&mut request) => {
                        let answers = self.stream_prepared(request, prepared.marked, Arc::default());
                        return streamed::into_http(answers, self.limits(), multipart::FRAMING);
                    }
                    Ok(prepared) => self.run_prepared(request, prepared).await,
                    Err(error) => self.rejected(error),
                };
                response::into_http(&mut response, stage, media_type)
            }
        }
    }

    /// Builds the response to a request that was rejected before its document was read.
    pub(crate) fn refuse(&self, refusal: Refusal, media_type: MediaType) -> HttpResponse {
        if let Some(on_error) = &self.on_error {
            on_error(refusal.code().as_str());
        }
        refusal.into_http(media_type)
    }

    /// Builds the response to a request whose document was rejected.
    pub(crate) fn rejected(&self, error: ServerError) -> (Response, Stage) {
        let mut response = Response::from_errors(vec![error]);
        let stage = complete(&mut response, false, self.on_error.as_ref());
        (response, stage)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    pub(crate) fn documents(&self) -> &Documents {
        &self.parts.documents
    }

    pub(crate) fn stopping(&self) -> &Stopping {
        &self.parts.stopping
    }

    pub(crate) fn answers_get(&self) -> bool {
        self.parts.queries_by_get
    }

    /// Returns the responses to an operation on a WebSocket or an event stream, each with the stage that the operation
    /// reached. A subscription also ends when the service stops.
    pub(crate) fn stream(&self, mut request: Request, session: Arc<Data>) -> BoxStream<'static, Event> {
        match self.parts.documents.prepare(&mut request) {
            Ok(prepared) => self.stream_prepared(request, prepared.marked, session),
            Err(error) => {
                let (response, stage) = self.rejected(error);
                stream::iter([Event::Answer(response, stage)]).boxed()
            }
        }
    }

    fn stream_prepared(&self, mut request: Request, marked: bool, session: Arc<Data>) -> BoxStream<'static, Event> {
        let is_subscription = document::is_subscription(&mut request);
        let on_error = self.on_error.clone();
        let answers = self.schema.execute_stream_with_session_data(request, session).map(move |mut response| {
            let stage = complete(&mut response, marked, on_error.as_ref());
            Event::Answer(response, stage)
        });
        match is_subscription {
            true => self.parts.stopping.interrupt(answers).boxed(),
            false => answers.boxed(),
        }
    }

    async fn run(&self, mut request: Request) -> (Response, Stage) {
        match self.parts.documents.prepare(&mut request) {
            Ok(prepared) => self.run_prepared(request, prepared).await,
            Err(error) => self.rejected(error),
        }
    }

    /// Executes a request whose document was prepared.
    pub(crate) async fn run_prepared(&self, request: Request, prepared: Prepared) -> (Response, Stage) {
        let Prepared { validation, marked } = prepared;
        let schema = match validation {
            Validation::Full(_) => &self.schema,
            Validation::Size => &self.validated,
        };
        let mut response = schema.execute(request).await;
        let stage = complete(&mut response, marked, self.on_error.as_ref());
        if let (Validation::Full(Some(document)), Stage::Executed) = (validation, stage) {
            document.set_valid();
        }
        (response, stage)
    }
}

/// Completes a response of the schema, and reports its errors.
fn complete(response: &mut Response, marked: bool, on_error: Option<&OnError>) -> Stage {
    if marked {
        skipped::unmark(&mut response.data, &response.errors);
    }
    let stage = response::complete(response);
    if let Some(on_error) = on_error {
        response.errors.iter().filter_map(response::name_of_code).for_each(|code| on_error(code));
    }
    stage
}

/// For other transports. Documents are checked and errors have codes there too.
impl<Q, M, S> Executor for Edge<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    async fn execute(&self, request: Request) -> Response {
        self.run(request).await.0
    }

    fn execute_stream(&self, request: Request, session: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let events = self.stream(request, session.unwrap_or_default());
        let answers = events.filter_map(async |event| match event {
            Event::Answer(response, _) => Some(response),
            Event::Stopped => None,
        });
        answers.boxed()
    }
}
