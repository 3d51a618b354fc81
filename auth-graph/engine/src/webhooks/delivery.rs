//! Delivering to endpoints: changes become deliveries, which are sent in order until the endpoint accepts them or they
//! are given up.
//!
//! One replica at a time sends to an endpoint, under a lease. Each attempt is claimed in addition, because the holder
//! of a lease can be late. An endpoint that does not answer does not delay others, and a failed delivery does not delay
//! other deliveries.

use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use super::{describe, disable, event_name, event_type};
use crate::app::App;
use crate::callers::Actor;
use crate::{egress, feed};
use credentials::webhook_signatures::{SignedHeaders, sign};
use model::error::{Error, Result};
use model::values::{TokenId, WebhookId};
use store::webhook_deliveries::{self, Failure, Model as Delivery, Outcome, State};
use store::webhooks::{self, Model as Webhook};
use store::{changes, leases, outbox};

/// Number of changes that become deliveries at once.
const BATCH: u64 = 500;
/// Time beyond the longest duration of an attempt for which the attempt is left to the replica that has claimed it.
const SLACK: Duration = Duration::seconds(10);
/// Wait after the first failure. Each further failure quadruples it, up to `LONGEST_WAIT`.
const FIRST_WAIT: Duration = Duration::seconds(5);
const LONGEST_WAIT: Duration = Duration::hours(6);
/// Status by which an endpoint unsubscribes (Standard Webhooks).
const GONE: u16 = 410;

/// Returns the endpoints with changes or deliveries that are due.
pub async fn with_work(app: &App) -> Result<Vec<WebhookId>> {
    let enabled = webhooks::positions(&app.db).await?;
    if enabled.is_empty() {
        return Ok(Vec::new());
    }
    let head = outbox::last(&app.db).await?;
    for (_, position) in &enabled {
        feed::history::check(app, "a webhook", *position, head);
    }
    let due = webhook_deliveries::webhooks_due(&app.db, app.clock.now()).await?;
    let has_work = |(id, position): &(WebhookId, i64)| *position < head || due.contains(id);
    Ok(enabled.into_iter().filter(has_work).map(|(id, _)| id).collect())
}

/// The progress of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Everything that is due was sent.
    UpToDate,
    /// Another replica sends the deliveries.
    TakenByAnother,
}

/// Sends everything that is due to an endpoint, unless another replica does.
///
/// # Errors
/// When the database fails, or a secret does not open: the master secret was replaced, and this process has not started
/// anew since.
pub async fn deliver(app: &App, id: WebhookId) -> Result<Progress> {
    let lease = format!("webhook {id}");
    let holder = TokenId::generate(app.clock.now()).to_string();
    let result = loop {
        let now = app.clock.now();
        if !leases::take(&app.db, &lease, &holder, now, claimed_until(app, now)).await? {
            return Ok(Progress::TakenByAnother);
        }
        match step(app, id).await {
            Ok(Step::Further) => {}
            Ok(Step::Last) => break Ok(Progress::UpToDate),
            Err(error) => break Err(error),
        }
    };
    leases::give_back(&app.db, &lease, &holder).await?;
    result
}

/// The next step for an endpoint.
enum Step {
    Further,
    Last,
}

async fn step(app: &App, id: WebhookId) -> Result<Step> {
    // The endpoint is read each time, because it may have been changed or disabled since.
    let Some(webhook) = webhooks::find(&app.db, id).await?.filter(|webhook| webhook.disabled_at.is_none()) else {
        return Ok(Step::Last);
    };
    if webhook.position < outbox::last(&app.db).await? && queue(app, id).await? {
        return Ok(Step::Further);
    }
    let now = app.clock.now();
    match webhook_deliveries::next(&app.db, id, now).await? {
        None => Ok(Step::Last),
        Some(delivery) => {
            let request = request(app, &webhook, &delivery, now).await?;
            if webhook_deliveries::claim(&app.db, &delivery, now, claimed_until(app, now)).await? {
                attempt(app, &webhook, &delivery, request).await?;
            }
            Ok(Step::Further)
        }
    }
}

/// Creates deliveries for the next changes. Returns whether there were any.
async fn queue(app: &App, id: WebhookId) -> Result<bool> {
    store::transaction(&app.db, async |txn| {
        // An endpoint that was disabled meanwhile has no waiting deliveries and gets no new ones.
        let enabled = webhooks::find_locked(txn, id).await?.filter(|webhook| webhook.disabled_at.is_none());
        let Some(mut webhook) = enabled else { return Ok(false) };
        let found = changes::after(txn, webhook.position, BATCH).await?;
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(false) };
        if first.position > webhook.position + 1 {
            tracing::error!(webhook = %webhook.id, "changes were deleted before this endpoint was told of them");
        }
        webhook.position = last.position;
        let now = app.clock.now();
        let wanted = found
            .into_iter()
            .filter(|change| event_type(change.kind).is_some_and(|event| webhook.event_types.include(event)));
        let deliveries: Vec<_> = wanted.map(|change| Delivery::new(webhook.id, change, now)).collect();
        webhook_deliveries::insert_missing(txn, deliveries).await?;
        webhooks::replace(txn, webhook).await?;
        Ok(true)
    })
    .await
}

/// The message to an endpoint.
#[derive(Serialize)]
struct Message {
    #[serde(rename = "type")]
    event_type: &'static str,
    timestamp: DateTime<Utc>,
    data: Option<feed::Change>,
}

/// Builds the request: the change as the feed shows it, with the user as they are now.
async fn request(
    app: &App,
    webhook: &Webhook,
    delivery: &Delivery,
    now: DateTime<Utc>,
) -> Result<(SignedHeaders, String)> {
    let message = Message {
        event_type: event_name(delivery),
        timestamp: delivery.recorded_at,
        data: feed::describe(app, delivery.change()).await?,
    };
    let body = serde_json::to_string(&message).map_err(Error::internal)?;
    let mut secrets = vec![app.webhooks.secrets.open(webhook.id, &webhook.secret)?];
    if let Some(previous) = &webhook.previous_secret
        && webhook.previous_secret_until.is_some_and(|until| now < until)
    {
        secrets.push(app.webhooks.secrets.open(webhook.id, previous)?);
    }
    Ok((sign(&secrets, &format!("msg_{}", delivery.id), now, body.as_bytes()), body))
}

/// Sends a claimed delivery and records the outcome.
async fn attempt(
    app: &App,
    webhook: &Webhook,
    delivery: &Delivery,
    (signed, body): (SignedHeaders, String),
) -> Result<()> {
    let started = Instant::now();
    let answer = app.webhooks.egress.post(&webhook.url, signed, body).await;
    let duration_ms = i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX);
    let now = app.clock.now();
    let status = answer.ok();
    let failure = match answer {
        Ok(200..300) => None,
        Ok(_) => Some(Failure::Status),
        Err(egress::Failure::TimedOut) => Some(Failure::TimedOut),
        Err(egress::Failure::Unreachable) => Some(Failure::Unreachable),
        Err(egress::Failure::NotAllowed) => Some(Failure::NotAllowed),
    };
    let give_up_after = app.config.webhooks.give_up_after;
    let due_at = now + wait(delivery);
    let state = match failure {
        None => State::Delivered,
        Some(_) if due_at < delivery.queued_at + give_up_after => State::Waiting,
        Some(_) => State::Dead,
    };
    let outcome = Outcome { state, due_at, failure, status: status.map(i32::from), duration_ms };
    webhook_deliveries::conclude(&app.db, delivery, outcome).await?;
    match state {
        State::Delivered => app.metrics.webhooks_delivered.increment(1),
        State::Waiting => app.metrics.webhooks_postponed.increment(1),
        State::Dead => app.metrics.webhooks_given_up.increment(1),
    }
    let Some(failure) = failure else {
        return Ok(webhooks::recover(&app.db, webhook.id).await?);
    };
    let reason = describe(failure);
    tracing::warn!(webhook = %webhook.id, delivery = %delivery.id, status, reason, "an endpoint was not told");
    let disable_after = app.config.webhooks.disable_after;
    let failing_since = webhook.failing_since.unwrap_or(now);
    if status == Some(GONE) || failing_since + disable_after <= now {
        tracing::error!(webhook = %webhook.id, "an endpoint was disabled, as it does nothing but fail");
        disable(app, &Actor::system(), webhook.id).await?;
    } else if webhook.failing_since.is_none() {
        webhooks::begin_to_fail(&app.db, webhook.id, now).await?;
    }
    Ok(())
}

/// Returns the time until which an attempt that begins now belongs to this process.
fn claimed_until(app: &App, now: DateTime<Utc>) -> DateTime<Utc> {
    now + app.config.webhooks.timeout + SLACK
}

/// Returns the wait after a failure. It grows with each failure and is varied, so that deliveries that failed together
/// are not retried together. The variation comes from the identifier, which ends with random bits.
fn wait(delivery: &Delivery) -> Duration {
    let failures = u32::try_from(delivery.attempts).unwrap_or(0).min(7);
    let wait = (FIRST_WAIT * 4_i32.pow(failures)).min(LONGEST_WAIT);
    let bits = u16::try_from(delivery.id.0.as_u128().rotate_right(failures * 4) & 0xffff).unwrap_or(0);
    wait * 3 / 4 + wait / 2 * i32::from(bits) / (1 << 16)
}
