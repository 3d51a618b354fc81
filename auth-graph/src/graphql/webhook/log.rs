//! Log of the deliveries to webhook endpoints (`webhookDeliveries`), and their repetition (`replayWebhookDelivery`,
//! `replayWebhook`).

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use subgraph::{access, guarded};

use crate::graphql::caller::{actor, app};
use crate::graphql::error::Result;
use crate::graphql::guard::HasScope;
use engine::pagination::Page;
use engine::webhooks::{self, Log, WEBHOOKS_READ, WEBHOOKS_WRITE};
use store::webhook_deliveries::{Failure, Model, State};

/// The delivery of one change to a webhook endpoint.
#[derive(SimpleObject)]
pub struct WebhookDelivery {
    /// Identifier of the delivery. The header `webhook-id` of each request is `msg_` followed by it.
    id: ID,
    /// Type of the event, such as `user.created`.
    event_type: String,
    /// Time of the event (UTC).
    occurred_at: DateTime<Utc>,
    /// Identifier of the user whom the event is about. Null for an event about a service client.
    user_id: Option<ID>,
    /// State of the delivery.
    state: WebhookDeliveryState,
    /// Number of attempts. A replay resets it to 0.
    attempts: i32,
    /// Time of the next attempt (UTC). Null when no attempt is due.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Time of the last attempt (UTC).
    attempted_at: Option<DateTime<Utc>>,
    /// Reason why the last attempt failed. Null when it succeeded.
    failure: Option<WebhookFailure>,
    /// HTTP status of the response to the last attempt.
    status: Option<i32>,
    /// Duration of the last attempt in milliseconds.
    duration_ms: Option<i32>,
}

/// State of a delivery.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "State")]
pub enum WebhookDeliveryState {
    /// The delivery waits for its first or its next attempt.
    Waiting,
    /// The endpoint has accepted the delivery: it responded with a status of 2xx.
    Delivered,
    /// The delivery was abandoned after too many failed attempts, or because the endpoint was disabled.
    Dead,
}

/// Reason why an attempt failed.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Failure")]
pub enum WebhookFailure {
    /// The endpoint responded with a status other than 2xx. Redirects are not followed.
    Status,
    /// The endpoint did not respond in time.
    TimedOut,
    /// The connection could not be made, or it broke.
    Unreachable,
    /// The host name does not resolve to a public address.
    NotAllowed,
}

/// Deliveries to repeat.
#[derive(InputObject)]
pub struct ReplayWebhookInput {
    /// Identifier of the endpoint.
    id: ID,
    /// Time of the first event to send again (UTC).
    since: DateTime<Utc>,
}

/// Result of `replayWebhookDelivery`.
#[derive(SimpleObject)]
pub struct ReplayWebhookDeliveryPayload {
    /// The delivery, which waits for its next attempt.
    delivery: WebhookDelivery,
}

/// Result of `replayWebhook`.
#[derive(SimpleObject)]
pub struct ReplayWebhookPayload {
    /// Number of existing deliveries that are sent again. It does not include deliveries of changes that were never
    /// sent to the endpoint: they are created later.
    replayed: u64,
}

impl From<Model> for WebhookDelivery {
    fn from(delivery: Model) -> Self {
        let waits = delivery.state == State::Waiting;
        Self {
            id: delivery.id.0.into(),
            event_type: webhooks::event_name(&delivery).to_owned(),
            occurred_at: delivery.recorded_at,
            user_id: webhooks::user_of(&delivery).map(|user| user.0.into()),
            state: delivery.state.into(),
            attempts: delivery.attempts,
            next_attempt_at: waits.then_some(delivery.due_at),
            attempted_at: delivery.attempted_at,
            failure: delivery.failure.map(Into::into),
            status: delivery.status,
            duration_ms: delivery.duration_ms,
        }
    }
}

#[derive(Default)]
pub(in crate::graphql) struct WebhookLogQuery;

#[guarded]
#[Object]
impl WebhookLogQuery {
    /// Lists the deliveries to a webhook endpoint, latest change first. Requires the scope `webhooks:read`.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a Relay connection")]
    #[graphql(access(HasScope(WEBHOOKS_READ)), tag = "admin")]
    async fn webhook_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the endpoint.")] webhook_id: ID,
        #[graphql(desc = "State of the deliveries to list. By default, all deliveries are listed.")] state: Option<
            WebhookDeliveryState,
        >,
        #[graphql(desc = "Number of items to return from the start of the list, up to 100.")] first: Option<i32>,
        #[graphql(desc = "Cursor to continue from: only items after it are returned.")] after: Option<String>,
        #[graphql(
            desc = "Number of items to return from the end of the list, up to 100. Cannot be combined with `first`."
        )]
        last: Option<i32>,
        #[graphql(desc = "Cursor to stop at: only items before it are returned.")] before: Option<String>,
    ) -> Result<Connection<String, WebhookDelivery, EmptyFields, EmptyFields>> {
        let log = Log { webhook: webhook_id.parse()?, state: state.map(Into::into) };
        let listing = webhooks::deliveries(app(ctx), log, &Page { first, after, last, before }).await?;
        let mut connection = Connection::new(listing.has_previous_page, listing.has_next_page);
        connection.edges.extend(listing.rows.into_iter().map(|(cursor, delivery)| Edge::new(cursor, delivery.into())));
        Ok(connection)
    }
}

#[derive(Default)]
pub(in crate::graphql) struct WebhookLogMutation;

#[guarded]
#[Object]
impl WebhookLogMutation {
    /// Sends a delivery again that has succeeded or was abandoned. It keeps its identifier. Requires the scopes
    /// `webhooks:write` and `feed:read`.
    #[graphql(access(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn replay_webhook_delivery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the delivery.")] id: ID,
    ) -> Result<ReplayWebhookDeliveryPayload> {
        let delivery = webhooks::replay(app(ctx), &actor(ctx)?, id.parse()?).await?;
        Ok(ReplayWebhookDeliveryPayload { delivery: delivery.into() })
    }

    /// Sends an endpoint every change since a given time again: deliveries that succeeded, deliveries that were
    /// abandoned, and changes that the endpoint has missed, as far back as the change feed goes. Requires the scopes
    /// `webhooks:write` and `feed:read`.
    #[graphql(access(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn replay_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint, and the time to begin at.")] input: ReplayWebhookInput,
    ) -> Result<ReplayWebhookPayload> {
        let replayed = webhooks::replay_since(app(ctx), &actor(ctx)?, input.id.parse()?, input.since).await?;
        Ok(ReplayWebhookPayload { replayed })
    }
}
