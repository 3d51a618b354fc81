//! What endpoints of webhooks were told: `webhookDeliveries`, and saying it again: `replayWebhookDelivery`,
//! `replayWebhook`.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use subgraph::{guarded, requires};

use crate::graphql::caller::{actor, app};
use crate::graphql::error::Result;
use crate::graphql::guard::HasScope;
use engine::pagination::Page;
use engine::webhooks::{self, Log, WEBHOOKS_READ, WEBHOOKS_WRITE};
use store::webhook_deliveries::{Failure, Model, State};

/// A change that an endpoint is told of, or was.
#[derive(SimpleObject)]
pub struct WebhookDelivery {
    /// Names it. Each of its requests has it behind `msg_` in the header `webhook-id`.
    id: ID,
    /// What happened, such as `user.created`.
    event_type: String,
    /// When that happened.
    occurred_at: DateTime<Utc>,
    /// The user whom it is about; null for what is about a service client.
    user_id: Option<ID>,
    /// What became of it.
    state: WebhookDeliveryState,
    /// How often it was tried; from the start again after a replay.
    attempts: i32,
    /// When it is tried next; null: it is not.
    next_attempt_at: Option<DateTime<Utc>>,
    /// When it was tried last.
    attempted_at: Option<DateTime<Utc>>,
    /// Why that failed; null: it did not.
    failure: Option<WebhookFailure>,
    /// The status of the answer to that.
    status: Option<i32>,
    /// For how long the answer was waited for, in milliseconds.
    duration_ms: Option<i32>,
}

/// What became of a delivery.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "State")]
pub enum WebhookDeliveryState {
    /// It waits, for the first attempt or the next.
    Waiting,
    /// The endpoint has taken it: it answered 2xx.
    Delivered,
    /// It was given up: a dead letter.
    Dead,
}

/// Why an attempt has failed.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Failure")]
pub enum WebhookFailure {
    /// The status of the answer was not 2xx. Redirects are not followed.
    Status,
    /// The answer did not come in time.
    TimedOut,
    /// Nobody could be reached, or the connection broke.
    Unreachable,
    /// The name has no public address.
    NotAllowed,
}

/// What an endpoint is to be told again.
#[derive(InputObject)]
pub struct ReplayWebhookInput {
    /// Which endpoint.
    id: ID,
    /// Everything that has happened since then.
    since: DateTime<Utc>,
}

/// A delivery that is made again.
#[derive(SimpleObject)]
pub struct ReplayWebhookDeliveryPayload {
    /// The delivery.
    delivery: WebhookDelivery,
}

/// What is told again.
#[derive(SimpleObject)]
pub struct ReplayWebhookPayload {
    /// How many deliveries are made again. Further ones are made of what the endpoint was never told.
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
    /// What an endpoint is told and was told, the latest change first. Needs the scope `webhooks:read`.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a Relay connection")]
    #[graphql(requires(HasScope(WEBHOOKS_READ)), tag = "admin")]
    async fn webhook_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint's `id`.")] webhook_id: ID,
        #[graphql(desc = "Only those in this state.")] state: Option<WebhookDeliveryState>,
        #[graphql(desc = "So many from the start, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, at most 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
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
    /// Makes a delivery again that was made or given up, under the same identifier. You must have the scope
    /// `feed:read`, too. Needs the scope `webhooks:write`.
    #[graphql(requires(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn replay_webhook_delivery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The delivery's `id`.")] id: ID,
    ) -> Result<ReplayWebhookDeliveryPayload> {
        let delivery = webhooks::replay(app(ctx), &actor(ctx)?, id.parse()?).await?;
        Ok(ReplayWebhookDeliveryPayload { delivery: delivery.into() })
    }

    /// Tells an endpoint again of everything that has happened since a time: what it was told, what was given up, and
    /// what it has missed, as far as the feed goes back. You must have the scope `feed:read`, too. Needs the scope
    /// `webhooks:write`.
    #[graphql(requires(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn replay_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint, and since when.")] input: ReplayWebhookInput,
    ) -> Result<ReplayWebhookPayload> {
        let replayed = webhooks::replay_since(app(ctx), &actor(ctx)?, input.id.parse()?, input.since).await?;
        Ok(ReplayWebhookPayload { replayed })
    }
}
