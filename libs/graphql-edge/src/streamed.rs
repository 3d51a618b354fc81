//! The results of an operation as one HTTP response that is sent as they arrive. The framing of the results is that of
//! the protocol: `event_stream` or `multipart`.

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

use crate::{Limits, response::Stage, stopping::Event};

/// The bytes around and between the results.
#[derive(Clone, Copy)]
pub(crate) struct Framing {
    pub(crate) content_type: &'static str,
    /// Sent before the first result.
    pub(crate) start: Option<&'static [u8]>,
    /// Returns the bytes of one result.
    pub(crate) frame: fn(&Response, Stage) -> Bytes,
    /// Sent while there is no result, which keeps proxies from closing a silent connection.
    pub(crate) silence: &'static [u8],
    /// Sent after the last result.
    pub(crate) end: &'static [u8],
}

/// Sends the results as they arrive, without reading ahead. A client that does not read delays only its own operation.
///
/// At a stop of the service the response breaks off. A client takes this for a lost connection and subscribes again,
/// while the end of the framing would be the end of the subscription.
pub(crate) fn into_http(answers: BoxStream<'static, Event>, limits: &Limits, framing: Framing) -> HttpResponse {
    let keepalive = limits.keepalive / 2;
    let Framing { content_type, start, frame, silence, end } = framing;
    let results = stream::unfold(Some(answers), move |answers| async move {
        let mut answers = answers?;
        Some(match timeout(keepalive, answers.next()).await {
            Ok(Some(Event::Answer(response, stage))) => (Ok(frame(&response, stage)), Some(answers)),
            Ok(Some(Event::Stopped)) => (Err(io::Error::other("the service stops")), None),
            Ok(None) => (Ok(Bytes::from_static(end)), None),
            Err(_elapsed) => (Ok(Bytes::from_static(silence)), Some(answers)),
        })
    });
    let start = stream::iter(start.map(|start| Ok(Bytes::from_static(start))));
    let mut answer = HttpResponse::new(Body::from_stream(start.chain(results)));
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        // nginx buffers responses without this header.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
