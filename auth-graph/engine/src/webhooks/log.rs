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

/// Name of the list in its cursors.
const LIST: &str = "webhook deliveries";

/// Filter of deliveries.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// Endpoint.
    pub webhook: WebhookId,
    /// State; without one, deliveries in any state.
    pub state: Option<State>,
}

/// Returns the type of the event of a delivery.
#[must_use]
pub fn event_name(delivery: &Model) -> &'static str {
    event_type(delivery.kind).map_or("", EventType::as_str)
}

/// Returns the user that a delivery is about, or `None` for one about a service client.
#[must_use]
pub fn user_of(delivery: &Model) -> Option<UserId> {
    delivery.subject()?.user()
}

/// Returns a description of a failure.
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

/// Queues a delivery again that was accepted or given up. It keeps its identifier.
///
/// # Errors
/// [`Error::NotFound`] when there is none, or no longer; [`Error::Conflict`] when its endpoint is disabled;
/// [`Error::MissingScope`] when the actor may not read the feed.
pub async fn replay(app: &App, actor: &Actor, id: DeliveryId) -> Result<Model> {
    let replaying = store::transaction(&app.db, async |txn| {
        may_write(app, txn, actor).await?;
        let webhook = webhook_deliveries::find(txn, id).await?.ok_or(Error::NotFound)?.webhook_id;
        enabled(txn, webhook).await?;
        webhook_deliveries::requeue(txn, Requeued::One(id), app.clock.now()).await?;
        let delivery = webhook_deliveries::find(txn, id).await?.ok_or(Error::NotFound)?;
        let what = json!({ "id": webhook, "delivery": id });
        audit::record(app, txn, actor, entry("webhook.replay", json!(null), what)).await?;
        Ok(delivery)
    });
    let delivery = replaying.await?;
    app.webhooks.waiting.notify_one();
    Ok(delivery)
}

/// Sends all changes since a time to an endpoint again: accepted deliveries, abandoned ones, and changes that it
/// missed, as far as the feed goes back. Returns the number of deliveries that are queued again.
///
/// # Errors
/// [`Error::NotFound`] when there is no such endpoint; [`Error::Conflict`] when it is disabled;
/// [`Error::MissingScope`] when the actor may not read the feed.
pub async fn replay_since(app: &App, actor: &Actor, id: WebhookId, since: DateTime<Utc>) -> Result<u64> {
    let replaying = store::transaction(&app.db, async |txn| {
        may_write(app, txn, actor).await?;
        let mut webhook = enabled(txn, id).await?;
        let again = webhook_deliveries::requeue(txn, Requeued::Since(id, since), app.clock.now()).await?;
        // Changes without a delivery get one.
        if let Some(first) = changes::first_since(txn, since).await? {
            webhook.position = webhook.position.min(first - 1);
            webhooks::replace(txn, webhook).await?;
        }
        let what = json!({ "id": id, "since": since });
        audit::record(app, txn, actor, entry("webhook.replay", json!(null), what)).await?;
        Ok(again)
    });
    let again = replaying.await?;
    app.webhooks.waiting.notify_one();
    Ok(again)
}

async fn enabled(txn: &sea_orm::DatabaseTransaction, id: WebhookId) -> Result<webhooks::Model> {
    match webhooks::find_locked(txn, id).await?.ok_or(Error::NotFound)? {
        webhook if webhook.disabled_at.is_none() => Ok(webhook),
        _ => Err(Error::Conflict("This endpoint is disabled.")),
    }
}

/// Deletes the deliveries that were accepted or given up before the retention period.
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
