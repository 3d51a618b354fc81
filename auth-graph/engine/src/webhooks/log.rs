//! The log of deliveries to endpoints, and repeating deliveries.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{entry, event_type, may_write};
use crate::app::App;
use crate::audit;
use crate::callers::Actor;
use crate::pagination::{Listing, Page};
use model::error::{Error, Result};
use model::values::{DeliveryId, EventType, UserId, WebhookId};
use store::webhook_deliveries::{self, Failure, Model, Requeued, State};
use store::{changes, webhooks};

/// Names the list in its cursors.
const LIST: &str = "webhook deliveries";

/// The deliveries to one endpoint that are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// Which endpoint.
    pub webhook: WebhookId,
    /// In which state; none: in any.
    pub state: Option<State>,
}

/// The type of the event that a delivery tells of.
#[must_use]
pub fn event_name(delivery: &Model) -> &'static str {
    event_type(delivery.kind).map_or("", EventType::as_str)
}

/// Returns the user that a delivery is about, or `None` for one about a service client.
#[must_use]
pub fn user_of(delivery: &Model) -> Option<UserId> {
    delivery.subject()?.user()
}

/// A failure in words.
#[must_use]
pub fn describe(failure: Failure) -> &'static str {
    match failure {
        Failure::Status => "the answer was no success",
        Failure::TimedOut => "the answer did not come in time",
        Failure::Unreachable => "nobody could be reached",
        Failure::NotAllowed => "the address may not be called",
    }
}

/// Returns one page of the log, the latest first.
///
/// # Errors
/// [`Error::NotFound`] when there is no such endpoint; [`Error::ValidationFailed`] for a bad page.
pub async fn deliveries(app: &App, log: Log, page: &Page) -> Result<Listing<Model>> {
    let bounds = page.bounds(app, LIST)?;
    webhooks::find(&app.db, log.webhook).await?.ok_or(Error::NotFound)?;
    let found = webhook_deliveries::page(&app.db, log.webhook, log.state, bounds.window()).await?;
    Ok(bounds.listing(app, LIST, found, |delivery| delivery.id.0))
}

/// Has a delivery made again that was made or given up, under the same identifier.
///
/// # Errors
/// [`Error::NotFound`] when there is none, or no longer; [`Error::Conflict`] when its endpoint is disabled;
/// [`Error::Forbidden`] when the actor may not read the feed.
pub async fn replay(app: &App, actor: &Actor, id: DeliveryId) -> Result<Model> {
    let txn = store::begin(&app.db).await?;
    may_write(app, &txn, actor).await?;
    let webhook = webhook_deliveries::find(&txn, id).await?.ok_or(Error::NotFound)?.webhook_id;
    enabled(&txn, webhook).await?;
    webhook_deliveries::requeue(&txn, Requeued::One(id), app.clock.now()).await?;
    let delivery = webhook_deliveries::find(&txn, id).await?.ok_or(Error::NotFound)?;
    let what = json!({ "id": webhook, "delivery": id });
    audit::record(app, &txn, actor, entry("webhook.replay", json!(null), what)).await?;
    txn.commit().await?;
    app.webhooks.waiting.notify_one();
    Ok(delivery)
}

/// Has an endpoint told again of everything that has happened since a time: what it was told then, what was given up,
/// and what it has missed, as far as the feed goes back. The answer tells how many deliveries are made again.
///
/// # Errors
/// [`Error::NotFound`] when there is no such endpoint; [`Error::Conflict`] when it is disabled; [`Error::Forbidden`]
/// when the actor may not read the feed.
pub async fn replay_since(app: &App, actor: &Actor, id: WebhookId, since: DateTime<Utc>) -> Result<u64> {
    let txn = store::begin(&app.db).await?;
    may_write(app, &txn, actor).await?;
    let mut webhook = enabled(&txn, id).await?;
    let again = webhook_deliveries::requeue(&txn, Requeued::Since(id, since), app.clock.now()).await?;
    // What has no delivery yet gets one.
    if let Some(first) = changes::first_since(&txn, since).await? {
        webhook.position = webhook.position.min(first - 1);
        webhooks::replace(&txn, webhook).await?;
    }
    let what = json!({ "id": id, "since": since });
    audit::record(app, &txn, actor, entry("webhook.replay", json!(null), what)).await?;
    txn.commit().await?;
    app.webhooks.waiting.notify_one();
    Ok(again)
}

async fn enabled(txn: &sea_orm::DatabaseTransaction, id: WebhookId) -> Result<webhooks::Model> {
    match webhooks::find_locked(txn, id).await?.ok_or(Error::NotFound)? {
        webhook if webhook.disabled_at.is_none() => Ok(webhook),
        _ => Err(Error::Conflict("This endpoint is disabled.")),
    }
}

/// Deletes what was delivered or given up long enough ago.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<()> {
    let kept = app.config.webhooks.retention;
    webhook_deliveries::purge(&app.db, now - kept).await?;
    Ok(())
}

/// Counts the deliveries that wait, and those that were given up.
pub async fn measure(app: &App) -> Result<()> {
    for (state, gauge) in [(State::Waiting, &app.metrics.webhooks_waiting), (State::Dead, &app.metrics.webhooks_dead)] {
        gauge.set(webhook_deliveries::count(&app.db, state).await? as f64);
    }
    Ok(())
}
