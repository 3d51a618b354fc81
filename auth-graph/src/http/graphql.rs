//! `/graphql`: POST for queries and mutations, GET for queries where it is configured, WebSocket for all operations.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::body::to_bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::header::UPGRADE;
use axum::http::request::Parts;
use axum::response::Response;
use graphql_edge::{Limits, Posted};
use http_input::Bearer;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tracing::Instrument;

use super::browser::browser;
use super::identity::{device, identify};
use super::{Site, socket};
use crate::configuration;
use crate::graphql::{Mutation, Query, Subject, Subscription, credential_fields, own_documents, schema};
use engine::app::App;
use engine::caches::token_answers::{Question, QuestionName};
use engine::verification::answers;
use model::config::Problems;

/// The schema behind its edge.
pub(super) type Edge = graphql_edge::Edge<Query, Mutation, Subscription>;

pub(super) fn edge(app: &App) -> Result<Edge, Problems> {
    let limits = Limits { credential_fields: credential_fields(), ..Limits::default() };
    let settings = configuration::graphql(&app.config.graphql)?.trusting(own_documents());
    Ok(Edge::configured(|| schema(app), limits, settings))
}

pub(super) async fn post(State(site): State<Site>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let posted = match site.edge.receive(&parts.headers, body).await {
        Ok(posted) => posted,
        Err(refusal) => return refusal,
    };
    let question = posted.media_type().map(|media_type| Question::new(media_type).with(posted.body()).name());
    if let Some(text) = question.as_ref().and_then(|question| answers::find(&site.app, question)) {
        return posted.answered(text);
    }
    let span = serving::span(&parts.extensions);
    // Boxed, so that an answer that is known does not pay for it.
    Box::pin(answer(&site, &parts, posted, question).instrument(span)).await
}

/// Executes an operation, and remembers its answer to a question if that follows from the token that was asked about.
async fn answer(site: &Site, parts: &Parts, posted: Posted, question: Option<QuestionName>) -> Response {
    let subject = Subject::default();
    let response = execute(site, parts, posted, subject.clone()).await;
    let Some(question) = question else {
        return response;
    };
    let (head, body) = response.into_parts();
    let text = to_bytes(body, usize::MAX).await.expect("it is in memory");
    if let Some(about) = subject.get()
        && is_of_one_field(&text)
    {
        answers::remember(&site.app, question, about, None, text.clone());
    }
    Response::from_parts(head, text.into())
}

/// Whether an operation had one field at its root and no error: nothing beside it was done or said.
fn is_of_one_field(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Answer<'a> {
        #[serde(borrow)]
        data: HashMap<Cow<'a, str>, IgnoredAny>,
    }
    serde_json::from_slice::<Answer<'_>>(text).is_ok_and(|answer| answer.data.len() == 1)
}

async fn execute(site: &Site, parts: &Parts, posted: Posted, subject: Subject) -> Response {
    let caller = identify(&site.app, Bearer::of(&parts.headers)).await;
    let (device, browser) = (device(&site.app, parts), browser(&site.app, &parts.headers));
    site.edge.answer(posted, |request| request.data(caller).data(device).data(browser).data(subject)).await
}

/// A GET opens a WebSocket or asks a query. Queries know the header only: what uses the cookie is a mutation.
pub(super) async fn get(
    State(site): State<Site>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parts: Parts,
) -> Response {
    if parts.headers.contains_key(UPGRADE) {
        return socket::open(&site, upgrade, &parts);
    }
    let caller = identify(&site.app, Bearer::of(&parts.headers)).await;
    let device = device(&site.app, &parts);
    site.edge.get(&parts.headers, &parts.uri, |request| request.data(caller).data(device)).await
}
