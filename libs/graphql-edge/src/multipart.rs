//! Results of a subscription as parts of one HTTP response: the protocol that Apollo's clients use without a WebSocket
//! (`multipart/mixed;subscriptionSpec="1.0"`). Queries and mutations are answered as usual.

use async_graphql::Response;
use bytes::Bytes;

use crate::{
    response::{Stage, encode},
    streamed::Framing,
};

pub(crate) const FRAMING: Framing = Framing {
    content_type: "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0",
    // A delimiter precedes the first part and follows each part. Clients show a part when they have read its delimiter.
    start: Some(b"\r\n--graphql"),
    frame: part,
    // A part without a result.
    silence: b"\r\nContent-Type: application/json\r\n\r\n{}\r\n--graphql",
    // Makes the last delimiter the end.
    end: b"--\r\n",
};

/// Returns the part for one result.
fn part(response: &Response, stage: Stage) -> Bytes {
    let result = encode(response, stage);
    let start = b"\r\nContent-Type: application/json\r\n\r\n{\"payload\":";
    [start.as_slice(), &result, b"}\r\n--graphql"].concat().into()
}
