//! Webhooks: other services are notified of changes by signed requests to their endpoints. They are one more reader of
//! the outbox, and send what the feed sends.
//!
//! This file manages the endpoints. `delivery` sends to them, and `log` reads the log of deliveries.

mod delivery;
mod log;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::audit::{self, Entry};
use super::callers::Actor;
use super::feed::FEED_READ;
use crate::app::App;
use model::error::{Error, Result};
use model::values::{EventType, EventTypes, Scopes, WebhookId, WebhookSecret, WebhookUrl};
use store::webhooks::{self, Model};
use store::{changes, outbox, webhook_deliveries};

pub use delivery::{Progress, deliver, with_work};
pub use log::{Log, deliveries, describe, event_name, measure, purge, replay, replay_since, user_of};

/// Scope for reading endpoints and their deliveries.
pub const WEBHOOKS_READ: &str = "webhooks:read";

/// Scope for creating and changing endpoints. They receive what the feed sends, so `feed:read` is required too.
pub const WEBHOOKS_WRITE: &str = "webhooks:write";

/// The longest description, in characters.
const DESCRIPTION_LENGTH: usize = 200;

/// An endpoint to be made.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Address of the endpoint.
    pub url: WebhookUrl,
    /// Description for people.
    pub description: String,
    /// Types of the events that it receives.
    pub event_types: EventTypes,
}

/// Changes to an endpoint; none: the value stays.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Address of the endpoint.
    pub url: Option<WebhookUrl>,
    /// Description for people.
    pub description: Option<String>,
    /// Types of the events that it receives.
    pub event_types: Option<EventTypes>,
}

/// An endpoint with a new secret, which is shown only once.
#[derive(Debug)]
pub struct WithSecret {
    /// The endpoint.
    pub webhook: Model,
    /// Secret with which the endpoint verifies signatures.
    pub secret: SecretString,
}

/// Creates an endpoint, which receives the events from now on.
///
/// # Errors
/// [`Error::ValidationFailed`] for an address that may not be called; [`Error::MissingScope`] when the actor may not
/// read the feed.
pub async fn create(app: &App, actor: &Actor, new: NewWebhook) -> Result<WithSecret> {
    app.webhooks.egress.check(&new.url)?;
    let now = app.clock.now();
    let (id, secret) = (WebhookId::generate(now), WebhookSecret::generate()?);
    let mut webhook = Model {
        id,
        url: new.url,
        description: description(&new.description)?,
        event_types: new.event_types,
        secret: app.webhooks.secrets.seal(id, &secret)?,
        previous_secret: None,
        previous_secret_until: None,
        position: 0,
        created_at: now,
        failing_since: None,
        disabled_at: None,
    };
    webhook.position = outbox::last(&app.db).await?;
    let created = store::transaction(&app.db, async |txn| {
        may_write(app, txn, actor).await?;
        webhooks::insert(txn, webhook.clone()).await?;
        audit::record(app, txn, actor, entry("webhook.create", Value::Null, facts(&webhook))).await
    });
    created.await?;
    Ok(WithSecret { webhook, secret: secret.to_text() })
}

/// Every endpoint, disabled ones among them, the oldest first.
pub async fn list(app: &App) -> Result<Vec<Model>> {
    Ok(webhooks::all(&app.db).await?)
}

/// Changes an endpoint. What waits for it is delivered as it is then.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`] when there is no such endpoint.
pub async fn update(app: &App, actor: &Actor, id: WebhookId, update: Update) -> Result<Model> {
    if let Some(url) = &update.url {
        app.webhooks.egress.check(url)?;
    }
    let given = update.description.as_deref().map(description).transpose()?;
    change(app, actor, id, "webhook.update", async |_, webhook| {
        let Update { url, event_types, .. } = update;
        webhook.url = url.unwrap_or_else(|| webhook.url.clone());
        webhook.description = given.unwrap_or_else(|| webhook.description.clone());
        webhook.event_types = event_types.unwrap_or_else(|| webhook.event_types.clone());
        Ok(())
    })
    .await
}

/// Gives an endpoint a new secret. The former one signs in addition to it for `webhooks.secret_overlap`.
///
/// # Errors
/// [`Error::NotFound`] when there is no such endpoint; [`Error::MissingScope`] as [`create`].
pub async fn rotate_secret(app: &App, actor: &Actor, id: WebhookId) -> Result<WithSecret> {
    let secret = WebhookSecret::generate()?;
    let sealed = app.webhooks.secrets.seal(id, &secret)?;
    let overlap = app.config.webhooks.secret_overlap;
    let webhook = change(app, actor, id, "webhook.rotate_secret", async |_, webhook| {
        webhook.previous_secret = Some(std::mem::replace(&mut webhook.secret, sealed));
        webhook.previous_secret_until = Some(app.clock.now() + overlap);
        Ok(())
    })
    .await?;
    Ok(WithSecret { webhook, secret: secret.to_text() })
}

/// Disables an endpoint: it receives nothing, and waiting deliveries are given up. A second call changes nothing.
///
/// # Errors
/// [`Error::NotFound`] when there is no such endpoint; [`Error::MissingScope`] as [`create`].
pub async fn disable(app: &App, actor: &Actor, id: WebhookId) -> Result<Model> {
    change(app, actor, id, "webhook.disable", async |txn, webhook| {
        webhook.disabled_at = webhook.disabled_at.or(Some(app.clock.now()));
        Ok(webhook_deliveries::give_up(txn, id).await?)
    })
    .await
}

/// Enables an endpoint, which receives the events from now on. The events that it has missed can be replayed.
///
/// # Errors
/// [`Error::NotFound`] when there is no such endpoint; [`Error::MissingScope`] as [`create`].
pub async fn enable(app: &App, actor: &Actor, id: WebhookId) -> Result<Model> {
    let head = outbox::last(&app.db).await?;
    change(app, actor, id, "webhook.enable", async |_, webhook| {
        if webhook.disabled_at.take().is_some() {
            webhook.failing_since = None;
            webhook.position = head;
        }
        Ok(())
    })
    .await
}

/// Deletes an endpoint with its log.
///
/// # Errors
/// [`Error::NotFound`] when there is no such endpoint; [`Error::MissingScope`] as [`create`].
pub async fn delete(app: &App, actor: &Actor, id: WebhookId) -> Result<()> {
    store::transaction(&app.db, async |txn| {
        may_write(app, txn, actor).await?;
        let webhook = webhooks::find_locked(txn, id).await?.ok_or(Error::NotFound)?;
        webhooks::delete(txn, id).await?;
        audit::record(app, txn, actor, entry("webhook.delete", facts(&webhook), Value::Null)).await
    })
    .await
}

/// Changes an endpoint that is locked, and records it where anything is different.
async fn change(
    app: &App,
    actor: &Actor,
    id: WebhookId,
    action: &'static str,
    apply: impl AsyncFnOnce(&DatabaseTransaction, &mut Model) -> Result<()> + Clone,
) -> Result<Model> {
    let changing = store::transaction(&app.db, async |txn| {
        may_write(app, txn, actor).await?;
        let before = webhooks::find_locked(txn, id).await?.ok_or(Error::NotFound)?;
        let mut after = before.clone();
        apply(txn, &mut after).await?;
        if after != before {
            webhooks::replace(txn, after.clone()).await?;
            audit::record(app, txn, actor, entry(action, facts(&before), facts(&after))).await?;
        }
        Ok(after)
    });
    let after = changing.await?;
    app.webhooks.waiting.notify_one();
    Ok(after)
}

/// Returns the type of event for a change; none if endpoints are not notified of it.
fn event_type(kind: changes::Kind) -> Option<EventType> {
    match kind {
        changes::Kind::UserCreated => Some(EventType::UserCreated),
        changes::Kind::UserUpdated => Some(EventType::UserUpdated),
        changes::Kind::UserDeleted => Some(EventType::UserDeleted),
        changes::Kind::SessionRevoked | changes::Kind::ClientRevoked => Some(EventType::SessionRevoked),
        changes::Kind::TokenRevoked => Some(EventType::TokenRevoked),
        changes::Kind::KeysChanged | changes::Kind::ClientChanged | changes::Kind::ClientSecretChanged => None,
    }
}

/// Requires the right to read the feed, because an endpoint receives what the feed sends.
async fn may_write(app: &App, txn: &impl ConnectionTrait, actor: &Actor) -> Result<()> {
    let permitted = actor.powers(app, txn).await?.require_scopes(&Scopes::parse(FEED_READ)?);
    permitted.map_err(|error| if matches!(error, Error::Forbidden) { Error::MissingScope(FEED_READ) } else { error })
}

fn description(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > DESCRIPTION_LENGTH || text.contains(char::is_control) {
        return Err(Error::invalid("description", "must have at most 200 characters and no control characters"));
    }
    Ok(text.to_owned())
}

/// The facts about an endpoint that are recorded, without its secret.
fn facts(webhook: &Model) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.url.as_str(),
        "description": webhook.description,
        "eventTypes": webhook.event_types,
        "previousSecretUntil": webhook.previous_secret_until,
        "disabled": webhook.disabled_at.is_some(),
    })
}

fn entry(action: &'static str, before: Value, after: Value) -> Entry {
    let known = if after.is_null() { &before } else { &after };
    let target_id = known["id"].as_str().unwrap_or_default().to_owned();
    Entry { action, target_kind: "webhook", target_id, before, after, reason: None }
}
