//! Webhooks: `webhooks`, `createWebhook`, `updateWebhook`, `rotateWebhookSecret` and so on; their log is in `log`.

mod log;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use subgraph::{access, guarded};

use super::caller::{actor, app};
use super::error::Result;
use super::guard::HasScope;
use engine::webhooks::{self, NewWebhook, Update, WEBHOOKS_READ, WEBHOOKS_WRITE, WithSecret};
use model::values::{EventTypes, WebhookUrl};
use store::webhooks::Model;

pub(super) use log::{WebhookLogMutation, WebhookLogQuery};

/// An endpoint of another service that is notified of changes. Each notification is a signed POST request (Standard
/// Webhooks).
#[derive(SimpleObject)]
pub struct Webhook {
    /// Identifier of the endpoint.
    id: ID,
    /// URL that the requests are sent to.
    url: String,
    /// Description of the endpoint, for people to read. Can be empty.
    description: String,
    /// Types of the events that the endpoint is notified of, such as `user.created`. Empty for all types.
    event_types: Vec<String>,
    /// Time at which the endpoint was created (UTC).
    created_at: DateTime<Utc>,
    /// Time until which requests are also signed with the previous secret (UTC). Null when there is no previous secret.
    previous_secret_until: Option<DateTime<Utc>>,
    /// Time since which every attempt has failed (UTC). Null when the last attempt succeeded.
    failing_since: Option<DateTime<Utc>>,
    /// Time at which the endpoint was disabled (UTC). Null while it is enabled.
    disabled_at: Option<DateTime<Utc>>,
}

impl From<Model> for Webhook {
    fn from(webhook: Model) -> Self {
        Self {
            id: webhook.id.0.into(),
            url: webhook.url.as_str().to_owned(),
            description: webhook.description,
            event_types: webhook.event_types.to_strings(),
            created_at: webhook.created_at,
            previous_secret_until: webhook.previous_secret_until,
            failing_since: webhook.failing_since,
            disabled_at: webhook.disabled_at,
        }
    }
}

/// Details of the webhook endpoint to create.
#[derive(InputObject)]
pub struct CreateWebhookInput {
    /// URL of the endpoint. It must begin with `https://` and have a public address.
    url: String,
    /// Description of the endpoint, up to 200 characters.
    #[graphql(default)]
    description: String,
    /// Types of the events to notify the endpoint of: `user.created`, `user.updated`, `user.deleted`,
    /// `session.revoked`, `token.revoked`. By default, all types.
    #[graphql(default)]
    event_types: Vec<String>,
}

/// Changes to a webhook endpoint. Fields that are left out stay unchanged.
#[derive(InputObject)]
pub struct UpdateWebhookInput {
    /// Identifier of the endpoint.
    id: ID,
    /// URL of the endpoint. It must begin with `https://` and have a public address.
    url: Option<String>,
    /// Description of the endpoint, up to 200 characters.
    description: Option<String>,
    /// Types of the events to notify the endpoint of. An empty list means all types.
    event_types: Option<Vec<String>>,
}

/// Result of a mutation that changes a webhook endpoint.
#[derive(SimpleObject)]
pub struct WebhookPayload {
    /// The endpoint after the change.
    webhook: Webhook,
}

/// Result of a mutation that issues a new secret for a webhook endpoint.
#[derive(SimpleObject)]
pub struct WebhookSecretPayload {
    /// The endpoint.
    webhook: Webhook,
    /// Secret that the endpoint verifies signatures with. It is shown only once.
    secret: String,
}

/// Result of `deleteWebhook`.
#[derive(SimpleObject)]
pub struct DeleteWebhookPayload {
    /// Identifier of the endpoint that was deleted.
    id: ID,
}

impl From<Model> for WebhookPayload {
    fn from(webhook: Model) -> Self {
        Self { webhook: webhook.into() }
    }
}

impl From<WithSecret> for WebhookSecretPayload {
    fn from(WithSecret { webhook, secret }: WithSecret) -> Self {
        Self { webhook: webhook.into(), secret: secret.expose_secret().to_owned() }
    }
}

#[derive(Default)]
pub(super) struct WebhookQuery;

#[guarded]
#[Object]
impl WebhookQuery {
    /// Lists the webhook endpoints, including disabled ones, oldest first. Requires the scope `webhooks:read`.
    #[graphql(access(HasScope(WEBHOOKS_READ)), tag = "admin")]
    async fn webhooks(&self, ctx: &Context<'_>) -> Result<Vec<Webhook>> {
        Ok(webhooks::list(app(ctx)).await?.into_iter().map(Webhook::from).collect())
    }
}

#[derive(Default)]
pub(super) struct WebhookMutation;

#[guarded]
#[Object]
impl WebhookMutation {
    /// Creates a webhook endpoint. It is notified of every change that happens from now on, unless `eventTypes` limits
    /// them. Requires the scopes `webhooks:write` and `feed:read`.
    #[graphql(access(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn create_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Details of the endpoint.")] input: CreateWebhookInput,
    ) -> Result<WebhookSecretPayload> {
        let CreateWebhookInput { url, description, event_types } = input;
        let (url, event_types) = (WebhookUrl::parse(&url)?, EventTypes::parse(&event_types)?);
        let new = NewWebhook { url, description, event_types };
        Ok(webhooks::create(app(ctx), &actor(ctx)?, new).await?.into())
    }

    /// Changes a webhook endpoint. Pending deliveries are sent to the new URL. Requires the scopes `webhooks:write` and
    /// `feed:read`.
    #[graphql(access(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn update_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Changes to the endpoint.")] input: UpdateWebhookInput,
    ) -> Result<WebhookPayload> {
        let update = Update {
            url: input.url.as_deref().map(WebhookUrl::parse).transpose()?,
            description: input.description,
            event_types: input.event_types.as_deref().map(EventTypes::parse).transpose()?,
        };
        Ok(webhooks::update(app(ctx), &actor(ctx)?, input.id.parse()?, update).await?.into())
    }

    /// Replaces the secret of a webhook endpoint. Requests are also signed with the previous secret until
    /// `previousSecretUntil`, so that the endpoint rejects none of them during the change. Requires the scopes
    /// `webhooks:write` and `feed:read`.
    #[graphql(access(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the endpoint.")] id: ID,
    ) -> Result<WebhookSecretPayload> {
        Ok(webhooks::rotate_secret(app(ctx), &actor(ctx)?, id.parse()?).await?.into())
    }

    /// Disables a webhook endpoint. It is no longer notified, and its pending deliveries are abandoned. Requires the
    /// scopes `webhooks:write` and `feed:read`.
    #[graphql(access(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn disable_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the endpoint.")] id: ID,
    ) -> Result<WebhookPayload> {
        Ok(webhooks::disable(app(ctx), &actor(ctx)?, id.parse()?).await?.into())
    }

    /// Enables a webhook endpoint. It is notified of every change that happens from now on, and `replayWebhook` sends
    /// the changes that it has missed. Requires the scopes `webhooks:write` and `feed:read`.
    #[graphql(access(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn enable_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the endpoint.")] id: ID,
    ) -> Result<WebhookPayload> {
        Ok(webhooks::enable(app(ctx), &actor(ctx)?, id.parse()?).await?.into())
    }

    /// Deletes a webhook endpoint and the log of its deliveries. Requires the scopes `webhooks:write` and `feed:read`.
    #[graphql(access(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn delete_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the endpoint.")] id: ID,
    ) -> Result<DeleteWebhookPayload> {
        webhooks::delete(app(ctx), &actor(ctx)?, id.parse()?).await?;
        Ok(DeleteWebhookPayload { id })
    }
}
