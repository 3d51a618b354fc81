//! The stream of changes: revocations take effect as they arrive, users are queued for the mirror. Every replica of a
//! service has its own stream.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::documents::{Change, FOLLOW, Kind};
use super::events::Events;
use super::follower::Follower;
use crate::error::{Code, Error};
use crate::operations::{Answer, Repeat, Transport, answer, authorized, data_of};
use crate::outage::Outage;
use crate::retry::Backoff;

/// Replaces the HTTP client's limit on the length of a request: a stream has no end.
const NO_LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Time for the head of the stream's answer.
const START_LIMIT: Duration = Duration::from_secs(5);

/// Follows the stream without end.
pub(super) async fn listen(follower: Follower) {
    let mut cursor = None;
    let mut backoff = Backoff::default();
    let outage = Outage::new("the feed of auth-graph was lost; reconnecting", "the feed of auth-graph is back");
    loop {
        let failed = follow(&follower, &mut cursor, &mut backoff, &outage).await.err();
        follower.feed.is_streaming.store(false, Ordering::Relaxed);
        if failed.is_some() {
            follower.feed.freshness.failed_to_prime();
            follower.feed.moved();
        }
        match failed.as_ref().map(Error::code) {
            Some(Code::TokenExpired | Code::TokenRevoked | Code::TokenInvalid | Code::Unauthenticated) => {
                follower.remote.forget_service_token().await;
                // A stream usually ends with its token.
                if !backoff.has_failed() {
                    backoff.pause().await;
                    continue;
                }
            }
            Some(Code::CursorExpired | Code::ValidationFailed) => cursor = None,
            _ => {}
        }
        if let Some(error) = failed {
            outage.failed(&named(error, follower.remote.service_client_id()));
        }
        backoff.pause().await;
    }
}

/// Names the service client in a refusal, because the log of another replica may be about another one.
fn named(error: Error, client: &str) -> Error {
    match error.code() {
        Code::Forbidden => {
            let lacks = "may not follow the feed: give it the scope feed:read";
            Error::new(Code::Forbidden).with_detail(format!("the service client {client} {lacks}")).with_source(error)
        }
        _ => error,
    }
}

async fn follow(
    follower: &Follower,
    cursor: &mut Option<String>,
    backoff: &mut Backoff,
    outage: &Outage,
) -> Result<(), Error> {
    if cursor.is_none() {
        *cursor = Some(read_revocations(follower).await?);
    }
    let token = follower.remote.service_token().await?;
    let variables = json!({ "after": cursor });
    let body = json!({ "query": FOLLOW, "operationName": "FollowUserChanges", "variables": variables });
    let mut events = Events::of(stream(&follower.remote.transport, &body, &token).await?);
    while let Some(event) = events.next().await? {
        match event.name.as_str() {
            "next" => {
                let answer: Answer<Change> = data_of(event.data.as_bytes())?;
                *cursor = Some(answer.field.cursor.clone());
                receive(follower, answer.field);
                follower.feed.is_streaming.store(true, Ordering::Relaxed);
                backoff.reset();
                outage.recovered();
            }
            "complete" => break,
            _ => {}
        }
    }
    Ok(())
}

/// Reads the revocations whose tokens have not expired, and returns the cursor from which the stream continues.
async fn read_revocations(follower: &Follower) -> Result<String, Error> {
    let mut page = follower.remote.revocations(None).await?;
    let start = page.feed_cursor.take().ok_or_else(|| Error::unavailable("the feed does not name its position"))?;
    loop {
        let next = page.next();
        for revocation in page.nodes {
            follower.revoke(revocation);
        }
        match next {
            Some(after) => page = follower.remote.revocations(Some(&after)).await?,
            None => break,
        }
    }
    // The stream may have missed changes between its last position and its new one, also those of the keys.
    follower.feed.queue.interrupt();
    if follower.keys.age().is_some() {
        follower.feed.keys_changed.notify_one();
    }
    follower.feed.freshness.primed();
    follower.feed.moved();
    Ok(start)
}

fn receive(follower: &Follower, change: Change) {
    if let Some(revocation) = change.revocation.clone() {
        follower.revoke(revocation);
    }
    match change.kind {
        Kind::Current => follower.feed.freshness.was_current(change.recorded_at, follower.leeway),
        Kind::Recorded => follower.feed.freshness.arrived(change.recorded_at),
        Kind::KeysChanged => {
            follower.feed.freshness.arrived(change.recorded_at);
            follower.feed.keys_changed.notify_one();
        }
    }
    follower.feed.queue.push(change);
    follower.feed.moved();
}

/// Starts a subscription as server-sent events (GraphQL over SSE, distinct connections mode).
async fn stream(transport: &Transport, body: &Value, token: &SecretString) -> Result<Response, Error> {
    let mut headers = authorized(token)?;
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    let body = body.to_string();
    let request = |http: &reqwest::Client| {
        http.post(transport.graphql_url.clone()).timeout(NO_LIMIT).headers(headers.clone()).body(body.clone())
    };
    let sent = tokio::time::timeout(START_LIMIT, transport.send(Repeat::Safe, request));
    let response = sent.await.map_err(|_| Error::unavailable("the feed did not answer in time"))??;
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|value| value.starts_with("text/event-stream")) {
        return Ok(response);
    }
    // The answer holds the reason for the refusal.
    let refused = answer::<Value>(response).await;
    Err(refused.err().unwrap_or_else(|| Error::unavailable("the feed is not a stream of events")))
}
