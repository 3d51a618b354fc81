//! Answers as server-sent events, in the distinct connections mode of GraphQL over SSE: a POST for each operation, an
//! event `next` for each answer of it, and an event `complete` at its end.
//!
//! A request that can not be read is answered as any other, with its status; whatever is wrong with a document is an
//! event, as a client that was promised events reads nothing else.

use std::convert::Infallible;

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
};

/// A comment: it keeps proxies from closing a connection on which nothing is said.
const SILENCE: Bytes = Bytes::from_static(b":\n\n");
/// Without a line of data, browsers pass over an event.
const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata:\n\n");

/// Send the answers as they come. Nothing is read ahead: a client that does not read holds up its own operation.
pub(crate) fn into_http(answers: BoxStream<'static, (Response, Stage)>, limits: &Limits) -> HttpResponse {
    let keepalive = limits.keepalive / 2;
    let events = stream::unfold(Some(answers), move |answers| async move {
        let mut answers = answers?;
        Some(match timeout(keepalive, answers.next()).await {
            Ok(Some((response, stage))) => (next(&response, stage), Some(answers)),
            Ok(None) => (COMPLETE, None),
            Err(_elapsed) => (SILENCE, Some(answers)),
        })
    });
    let mut answer = HttpResponse::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        // nginx holds answers back unless it is told not to.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// JSON as we write it has no line breaks, so that it is one line of data.
fn next(response: &Response, stage: Stage) -> Bytes {
    [b"event: next\ndata: ", encode(response, stage).as_slice(), b"\n\n"].concat().into()
}
