//! The feed of an issuer: its events as pages and as a stream.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::state::{Event, Shared, TestUser, scope_of};
use super::token::TokenBuilder;
use crate::error::Code;
use crate::ids::{SessionId, UserId};

/// Size of a page.
const PAGE: usize = 100;
/// Interval of the markers in a silent stream.
const BEAT: Duration = Duration::from_secs(1);

/// The position of one reader of the stream.
struct Reader {
    shared: Arc<Shared>,
    position: usize,
    cuts: usize,
    grown: watch::Receiver<()>,
    was_current: bool,
}

/// Answers `client_credentials` for the only service client.
pub(super) async fn token(Extract(shared): Extract<Arc<Shared>>, headers: HeaderMap) -> Response {
    shared.count("token");
    let (id, secret) = shared.state().service_client.clone();
    let expected = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    if headers.get(header::AUTHORIZATION).is_none_or(|value| *value != expected) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response();
    }
    let client = id.parse().map_or(UserId(Uuid::nil()), UserId);
    let token = TokenBuilder::new(Arc::clone(&shared), client, SessionId(client.0));
    let scope = "feed:read users:read";
    let token = token.claim("client_id", json!(id)).scope(scope).sign();
    Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": scope })).into_response()
}

/// Streams the changes after a position as server-sent events, until the network is cut.
pub(super) fn stream(shared: Arc<Shared>, position: usize) -> Response {
    let grown = shared.state().feed.grown.subscribe();
    let cuts = shared.network.cuts();
    let reader = Reader { shared, position, cuts, grown, was_current: false };
    let events = stream::unfold(reader, |mut reader| async {
        let event = reader.next().await?;
        let data = json!({ "data": { "userChanges": event } });
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(format!("event: next\ndata: {data}\n\n"))), reader))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

impl Reader {
    /// Returns the next event; none when the network was cut.
    async fn next(&mut self) -> Option<Value> {
        loop {
            self.grown.mark_unchanged();
            if self.shared.network.cuts() != self.cuts {
                return None;
            }
            if let Some(change) = self.shared.change(self.position) {
                self.position += 1;
                self.was_current = false;
                return Some(change);
            }
            if !self.was_current {
                self.was_current = true;
                let (cursor, now) = (cursor(self.position), self.shared.clock.now());
                return Some(json!({ "cursor": cursor, "kind": "CURRENT", "recordedAt": now }));
            }
            if tokio::time::timeout(BEAT, self.grown.changed()).await.is_err() {
                self.was_current = false;
            }
        }
    }
}

impl Shared {
    pub(super) fn may_read_feed(&self, token: &str) -> bool {
        let state = self.state();
        let claims = state.access_tokens.get(token);
        claims.is_some_and(|claims| scope_of(claims).contains("feed:read"))
    }

    /// Returns the position that a cursor names.
    pub(super) fn position(&self, cursor: &str) -> Result<usize, Code> {
        let state = self.state();
        if cursor.is_empty() {
            return Ok(state.feed.oldest);
        }
        let position = cursor.strip_prefix("at-").and_then(|number| number.parse().ok());
        let position: usize = position.ok_or(Code::ValidationFailed)?;
        if position < state.feed.oldest { Err(Code::CursorExpired) } else { Ok(position) }
    }

    pub(super) fn user_changes(&self, after: &str) -> Result<Value, Code> {
        let start = self.position(after)?;
        let changes: Vec<Value> = (start..start + PAGE).map_while(|position| self.change(position)).collect();
        let end = start + changes.len();
        let more = end < self.state().feed.events.len();
        let page_info = json!({ "hasNextPage": more, "endCursor": cursor(end) });
        Ok(json!({ "userChanges": { "nodes": changes, "pageInfo": page_info } }))
    }

    pub(super) fn user_snapshots(&self, after: &str) -> Result<Value, Code> {
        let state = self.state();
        let mut users: Vec<&TestUser> = state.users.iter().collect();
        users.sort_by_key(|known| known.user.id);
        let rest: Vec<_> = users.into_iter().filter(|known| known.user.id.to_string().as_str() > after).collect();
        let page = &rest[..rest.len().min(PAGE)];
        let page_info = json!({
            "hasNextPage": rest.len() > PAGE, "endCursor": page.last().map(|known| known.user.id),
        });
        let nodes: Vec<Value> = page.iter().map(|known| snapshot(known)).collect();
        let feed_cursor = cursor(state.feed.events.len());
        Ok(json!({ "userSnapshots": { "nodes": nodes, "pageInfo": page_info, "feedCursor": feed_cursor } }))
    }

    pub(super) fn revocations(&self) -> Value {
        let state = self.state();
        let nodes: Vec<Value> = state.feed.events.iter().filter_map(|(event, at)| revocation(event, *at)).collect();
        let page_info = json!({ "hasNextPage": false, "endCursor": null });
        let feed_cursor = cursor(state.feed.events.len());
        json!({ "revocations": { "nodes": nodes, "pageInfo": page_info, "feedCursor": feed_cursor } })
    }

    fn change(&self, position: usize) -> Option<Value> {
        let state = self.state();
        let (event, recorded_at) = state.feed.events.get(position)?;
        let (kind, user) = match event {
            Event::User(kind, id) => (*kind, state.users.iter().find(|known| known.user.id == *id)),
            Event::Session(_) => ("SESSION_REVOKED", None),
            Event::Token(_) => ("TOKEN_REVOKED", None),
            Event::Keys => ("KEYS_CHANGED", None),
        };
        Some(json!({
            "cursor": cursor(position + 1), "kind": kind, "recordedAt": recorded_at,
            "user": user.map(snapshot), "revocation": revocation(event, *recorded_at),
        }))
    }
}

fn cursor(position: usize) -> String {
    format!("at-{position}")
}

fn revocation(event: &Event, at: DateTime<Utc>) -> Option<Value> {
    let (session, token) = match event {
        Event::User(..) | Event::Keys => return None,
        Event::Session(session) => (Some(session), None),
        Event::Token(token) => (None, Some(token)),
    };
    let until = at + TimeDelta::minutes(5);
    Some(json!({ "sessionId": session, "tokenId": token, "endedAt": at, "until": until }))
}

pub(super) fn snapshot(known: &TestUser) -> Value {
    let mut snapshot = known.to_json();
    snapshot["deletedAt"] = json!(known.deleted_at);
    snapshot
}
