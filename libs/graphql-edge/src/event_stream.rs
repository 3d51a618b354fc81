//! Responses as server-sent events, in the distinct connections mode of GraphQL over SSE: a POST for each operation, an
//! event `next` for each result, and an event `complete` at the end.
//!
//! A request that cannot be read is answered with an error status. An error in the document is sent as an event,
//! because the client then expects events only.

use std::io;

use async_graphql::Response;
use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::Response as HttpResponse,
};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::timeout;

use crate::{
    Limits,
    response::{Stage, encode},
    stopping::Event,
};

/// A comment, which keeps proxies from closing a silent connection.
const SILENCE: Bytes = Bytes::from_static(b":\n\n");
/// Browsers ignore an event without a line of data.
const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata:\n\n");

/// Sends the results as they arrive, without reading ahead. A client that does not read delays only its own operation.
///
/// At a stop of the service the response breaks off. A client takes this for a lost connection and subscribes again,
/// while `complete` would be the end.
pub(crate) fn into_http(answers: BoxStream<'static, Event>, limits: &Limits) -> HttpResponse {
    let keepalive = limits.keepalive / 2;
    let events = stream::unfold(Some(answers), move |answers| async move {
        let mut answers = answers?;
        Some(match timeout(keepalive, answers.next()).await {
            Ok(Some(Event::Answer(response, stage))) => (Ok(next(&response, stage)), Some(answers)),
            Ok(Some(Event::Stopped)) => (Err(io::Error::other("the service stops")), None),
            Ok(None) => (Ok(COMPLETE), None),
            Err(_elapsed) => (Ok(SILENCE), Some(answers)),
        })
    });
    let mut answer = HttpResponse::new(Body::from_stream(events));
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        // nginx buffers responses without this header.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Returns the event for one result. Our JSON has no line breaks, so that it is one line of data.
fn next(response: &Response, stage: Stage) -> Bytes {
    [b"event: next\ndata: ", encode(response, stage).as_slice(), b"\n\n"].concat().into()
}
