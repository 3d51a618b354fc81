//! Responses as server-sent events, in the distinct connections mode of GraphQL over SSE: a POST for each operation, an
//! event `next` for each result, and an event `complete` at the end.
//!
//! A request that cannot be read is answered with an error status. An error in the document is sent as an event,
//! because the client then expects events only.

use async_graphql::Response;
use bytes::Bytes;

use crate::{
    response::{Stage, encode},
    streamed::Framing,
};

pub(crate) const FRAMING: Framing = Framing {
    content_type: "text/event-stream; charset=utf-8",
    start: None,
    frame: next,
    // A comment.
    silence: b":\n\n",
    // Browsers ignore an event without a line of data.
    end: b"event: complete\ndata:\n\n",
};

/// Returns the event for one result. Our JSON has no line breaks, so that it is one line of data.
fn next(response: &Response, stage: Stage) -> Bytes {
    [b"event: next\ndata: ", encode(response, stage).as_slice(), b"\n\n"].concat().into()
}
