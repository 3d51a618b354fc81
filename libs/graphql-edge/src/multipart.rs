//! Results of a subscription as parts of one HTTP response: the protocol that Apollo's clients use without a WebSocket
//! (`multipart/mixed;subscriptionSpec="1.0"`). Queries and mutations are answered as usual.

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

/// A delimiter precedes the first part and follows each part. Clients show a part when they have read its delimiter.
const START: Bytes = Bytes::from_static(b"\r\n--graphql");
/// A part without a result, which keeps proxies from closing a silent connection.
const SILENCE: Bytes = Bytes::from_static(b"\r\nContent-Type: application/json\r\n\r\n{}\r\n--graphql");
/// Makes the last delimiter the end.
const END: Bytes = Bytes::from_static(b"--\r\n");

/// Sends the results as they arrive, without reading ahead. At a stop of the service the response breaks off, so that
/// clients do not take it for the end of the subscription.
pub(crate) fn into_http(answers: BoxStream<'static, Event>, limits: &Limits) -> HttpResponse {
    let keepalive = limits.keepalive / 2;
    let parts = stream::unfold(Some(answers), move |answers| async move {
        let mut answers = answers?;
        Some(match timeout(keepalive, answers.next()).await {
            Ok(Some(Event::Answer(response, stage))) => (Ok(part(&response, stage)), Some(answers)),
            Ok(Some(Event::Stopped)) => (Err(io::Error::other("the service stops")), None),
            Ok(None) => (Ok(END), None),
            Err(_elapsed) => (Ok(SILENCE), Some(answers)),
        })
    });
    let parts = stream::iter([Ok(START)]).chain(parts);
    let mut answer = HttpResponse::new(Body::from_stream(parts));
    for (name, value) in [
        (CONTENT_TYPE, "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0"),
        (CACHE_CONTROL, "no-store"),
        // nginx buffers responses without this header.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Returns the part for one result.
fn part(response: &Response, stage: Stage) -> Bytes {
    let result = encode(response, stage);
    let start = b"\r\nContent-Type: application/json\r\n\r\n{\"payload\":";
    [start.as_slice(), &result, b"}\r\n--graphql"].concat().into()
}
