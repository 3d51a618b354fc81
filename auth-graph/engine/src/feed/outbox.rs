//! Following the outbox in this process: revocations and changed signing keys of other replicas and of the command
//! line. Changes that are read here are published once to all subscribers of the feed in this process; serving them to
//! other services is in `feed`.

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::{feed, keys};
use model::error::Result;
use model::values::{Revoked, Subject};
use store::changes::{Kind, Model};
use store::{clients, outbox, revoked_tokens, sessions};

const BATCH: u64 = 500;

/// Loads the recent revocations, and follows the outbox from here.
pub async fn prime(app: &App) -> Result<()> {
    // The position is read first, so that a revocation between the two reads is seen twice and not missed.
    let position = outbox::last(&app.live_db).await?;
    feed::history::load(app).await?;
    app.known_clients.forget_all();
    let now = app.clock.now();
    let horizon = app.tokens.revocations.horizon(now);
    for (session, revoked_at) in sessions::revoked_since(&app.live_db, horizon).await? {
        app.tokens.revocations.insert(Revoked::Session(session), revoked_at);
    }
    for (client, disabled_at) in clients::disabled_since(&app.live_db, horizon).await? {
        app.tokens.revocations.insert(Revoked::Client(client), disabled_at);
    }
    for (token, revoked_at) in revoked_tokens::revoked_since(&app.live_db, horizon).await? {
        app.tokens.revocations.insert(Revoked::Token(token), revoked_at);
    }
    app.tokens.revocations.follow_from(position);
    app.tokens.revocations.complete_at(now);
    Ok(())
}

/// Reads the changes since the last time. Returns the time at which there were no more. A process that was away for
/// longer than the retention of changes, or whose clock was set back, loads everything again.
pub async fn catch_up(app: &App) -> Result<DateTime<Utc>> {
    loop {
        let now = app.clock.now();
        let position = app.tokens.revocations.followed_position();
        let found = outbox::after(&app.live_db, position, BATCH).await?;
        let is_set_back = app.tokens.revocations.is_ahead_of(now);
        if is_set_back || is_behind_what_is_kept(app, position, found.first(), now).await? {
            let reason =
                if is_set_back { "the clock was set back" } else { "changes were deleted before they were read here" };
            tracing::warn!(reason, "everything is read anew");
            keys::load(app).await?;
            prime(app).await?;
            return Ok(now);
        }
        for change in &found {
            // Before the position moves on, so that a failure is repeated.
            if change.kind == Kind::KeysChanged {
                keys::load(app).await?;
            }
            if let Some(revoked) = change.revoked() {
                app.tokens.revocations.insert(revoked, change.recorded_at);
            }
            if let Some(client) = change.subject().and_then(Subject::client) {
                app.known_clients.forget(client);
            }
            app.tokens.revocations.follow_from(change.position);
        }
        feed::announce(app, &found).await?;
        if !found.is_empty() {
            app.webhooks.waiting.notify_one();
        }
        if found.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            app.tokens.revocations.complete_at(now);
            return Ok(now);
        }
    }
}

/// Returns whether changes after a position were deleted. Without a next change this needs a look at the head, which is
/// worth it only after a pause.
async fn is_behind_what_is_kept(app: &App, position: i64, next: Option<&Model>, now: DateTime<Utc>) -> Result<bool> {
    match next {
        Some(next) => Ok(next.position != position + 1),
        None if app.tokens.revocations.is_stale(now) => {
            let head = outbox::last(&app.live_db).await?;
            feed::history::check(app, "this replica", position, head);
            Ok(head != position)
        }
        None => Ok(false),
    }
}
