//! The stream of changes: revocations take effect as they arrive, users are queued for the mirror. Every replica of a
//! service has a stream of its own.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde_json::json;

use super::backoff::Backoff;
use super::documents::{Answer, Change, FOLLOW, Kind, Revocation};
use super::events::Events;
use crate::client::AuthGraph;
use crate::error::{Code, Error};
use crate::outage::Outage;

/// A stream has no end; the client's own limit on requests is not for it.
const NO_LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Follows the stream for ever.
pub(super) async fn listen(auth: AuthGraph) {
    let mut cursor = None;
    let mut backoff = Backoff::default();
    let outage = Outage::new(
        "the feed of auth-graph was lost: it is asked for again and again",
        "the feed of auth-graph is back",
    );
    loop {
        let failed = follow(&auth, &mut cursor, &mut backoff, &outage).await.err();
        auth.feed().is_streaming.store(false, Ordering::Relaxed);
        match failed.as_ref().map(Error::code) {
            Some(Code::TokenExpired | Code::TokenRevoked | Code::TokenInvalid | Code::Unauthenticated) => {
                auth.forget_service_token().await;
                // The end of the token is the usual end of a stream.
                if !backoff.has_failed() {
                    backoff.pause().await;
                    continue;
                }
            }
            Some(Code::CursorExpired | Code::ValidationFailed) => cursor = None,
            _ => {}
        }
        if let Some(error) = failed {
            outage.goes_on(&error);
        }
        backoff.pause().await;
    }
}

async fn follow(
    auth: &AuthGraph,
    cursor: &mut Option<String>,
    backoff: &mut Backoff,
    outage: &Outage,
) -> Result<(), Error> {
    if cursor.is_none() {
        *cursor = Some(prime(auth).await?);
    }
    let token = auth.service_token().await?;
    let variables = json!({ "after": cursor });
    let body = json!({ "query": FOLLOW, "operationName": "FollowUserChanges", "variables": variables });
    let response = auth.transport().stream(&body, &token, NO_LIMIT).await?;
    let mut events = Events::of(response);
    while let Some(event) = events.next().await? {
        match event.name.as_str() {
            "next" => {
                let answer: Answer<Change> = crate::operations::data_of(event.data.as_bytes())?;
                *cursor = Some(answer.field.cursor.clone());
                take(auth, answer.field);
                auth.feed().is_streaming.store(true, Ordering::Relaxed);
                backoff.reset();
                outage.ends();
            }
            "complete" => break,
            _ => {}
        }
    }
    Ok(())
}

/// Learns what ended lately, and where the feed goes on from there.
async fn prime(auth: &AuthGraph) -> Result<String, Error> {
    let mut page = auth.revocations(None).await?;
    let start = page.feed_cursor.take().ok_or_else(|| Error::unavailable("the feed does not say where it is"))?;
    loop {
        let next = page.next();
        for revocation in page.nodes {
            revoke(auth, revocation);
        }
        match next {
            Some(after) => page = auth.revocations(Some(&after)).await?,
            None => break,
        }
    }
    // Between where the stream was and where it starts again there may have been changes.
    auth.feed().queue.interrupt();
    Ok(start)
}

fn take(auth: &AuthGraph, change: Change) {
    if let Some(revocation) = change.revocation.clone() {
        revoke(auth, revocation);
    }
    match change.kind {
        Kind::Current => auth.feed().freshness.was_current(change.recorded_at, auth.leeway()),
        Kind::Recorded => auth.feed().freshness.arrived(change.recorded_at),
    }
    auth.feed().queue.push(change);
    auth.feed().moved();
}

fn revoke(auth: &AuthGraph, revocation: Revocation) {
    if let Some(session) = revocation.session_id {
        auth.revoke_locally(session, revocation.until);
    }
    if let Some(token) = revocation.token_id {
        auth.revoke_token_locally(token, revocation.until);
    }
}

impl crate::operations::Transport {
    /// Starts a subscription as server-sent events (GraphQL over SSE, distinct connections mode).
    async fn stream(
        &self,
        body: &serde_json::Value,
        token: &secrecy::SecretString,
        limit: Duration,
    ) -> Result<reqwest::Response, Error> {
        let mut headers = crate::operations::authorized(token)?;
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let body = body.to_string();
        let request = |http: &reqwest::Client| {
            http.post(self.graphql_url.clone()).timeout(limit).headers(headers.clone()).body(body.clone())
        };
        // The limit is the stream's; that its head arrives is a matter of seconds.
        let sent = tokio::time::timeout(Duration::from_secs(5), self.send(crate::operations::Repeat::Safe, request));
        let response = sent.await.map_err(|_| Error::unavailable("the feed did not answer in time"))??;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|value| value.starts_with("text/event-stream")) {
            return Ok(response);
        }
        // Refused before it began: the answer says why.
        let answer = crate::operations::answer::<serde_json::Value>(response).await;
        Err(answer.err().unwrap_or_else(|| Error::unavailable("the feed is no stream of events")))
    }
}
