//! Webhooks: `webhooks`, `createWebhook`, `updateWebhook`, `rotateWebhookSecret` and so on; their log is in `log`.

mod log;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use subgraph::{guarded, requires};

use super::caller::{actor, app};
use super::error::Result;
use super::guard::HasScope;
use engine::webhooks::{self, NewWebhook, Update, WEBHOOKS_READ, WEBHOOKS_WRITE, WithSecret};
use model::values::{EventTypes, WebhookUrl};
use store::webhooks::Model;

pub(super) use log::{WebhookLogMutation, WebhookLogQuery};

/// An endpoint of another service that is told of changes, by requests that are signed as Standard Webhooks asks.
#[derive(SimpleObject)]
pub struct Webhook {
    /// Names it.
    id: ID,
    /// Where it is.
    url: String,
    /// What people call it; may be empty.
    description: String,
    /// What it is told of, such as `user.created`; empty: everything.
    event_types: Vec<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Until when requests are signed with the secret before, too; null: there is none.
    previous_secret_until: Option<DateTime<Utc>>,
    /// Since when it has done nothing but fail; null: it does not.
    failing_since: Option<DateTime<Utc>>,
    /// From when on it is told nothing; null: it is told.
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

/// An endpoint to be made.
#[derive(InputObject)]
pub struct CreateWebhookInput {
    /// Where it is: `https://`, at a public address.
    url: String,
    /// What people call it, at most 200 characters.
    #[graphql(default)]
    description: String,
    /// What it is told of: `user.created`, `user.updated`, `user.deleted`, `session.revoked`, `token.revoked`;
    /// everything when left out.
    #[graphql(default)]
    event_types: Vec<String>,
}

/// What is to be different about an endpoint; what is left out stays.
#[derive(InputObject)]
pub struct UpdateWebhookInput {
    /// Which endpoint.
    id: ID,
    /// Where it is.
    url: Option<String>,
    /// What people call it.
    description: Option<String>,
    /// What it is told of; empty: everything.
    event_types: Option<Vec<String>>,
}

/// An endpoint that was made or changed.
#[derive(SimpleObject)]
pub struct WebhookPayload {
    /// The endpoint, as it is now.
    webhook: Webhook,
}

/// An endpoint with a new secret.
#[derive(SimpleObject)]
pub struct WebhookSecretPayload {
    /// The endpoint.
    webhook: Webhook,
    /// What it checks signatures with. It is shown this once.
    secret: String,
}

/// An endpoint that was deleted.
#[derive(SimpleObject)]
pub struct DeleteWebhookPayload {
    /// Which.
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
    /// The endpoints of webhooks, disabled ones among them, the oldest first. Needs the scope `webhooks:read`.
    #[graphql(requires(HasScope(WEBHOOKS_READ)), tag = "admin")]
    async fn webhooks(&self, ctx: &Context<'_>) -> Result<Vec<Webhook>> {
        Ok(webhooks::list(app(ctx)).await?.into_iter().map(Webhook::from).collect())
    }
}

#[derive(Default)]
pub(super) struct WebhookMutation;

#[guarded]
#[Object]
impl WebhookMutation {
    /// Makes an endpoint, which is told of what happens from now on. You must have the scope `feed:read`, too: it is
    /// told what the feed tells. Needs the scope `webhooks:write`.
    #[graphql(requires(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn create_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint.")] input: CreateWebhookInput,
    ) -> Result<WebhookSecretPayload> {
        let CreateWebhookInput { url, description, event_types } = input;
        let (url, event_types) = (WebhookUrl::parse(&url)?, EventTypes::parse(&event_types)?);
        let new = NewWebhook { url, description, event_types };
        Ok(webhooks::create(app(ctx), &actor(ctx)?, new).await?.into())
    }

    /// Changes an endpoint. What waits for it goes to where it is then. You must have the scope `feed:read`, too. Needs
    /// the scope `webhooks:write`.
    #[graphql(requires(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn update_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What shall be different.")] input: UpdateWebhookInput,
    ) -> Result<WebhookPayload> {
        let update = Update {
            url: input.url.as_deref().map(WebhookUrl::parse).transpose()?,
            description: input.description,
            event_types: input.event_types.as_deref().map(EventTypes::parse).transpose()?,
        };
        Ok(webhooks::update(app(ctx), &actor(ctx)?, input.id.parse()?, update).await?.into())
    }

    /// Gives an endpoint a new secret. For some time requests are signed with the one before, too, so that none is
    /// refused meanwhile. You must have the scope `feed:read`, too. Needs the scope `webhooks:write`.
    #[graphql(requires(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint's `id`.")] id: ID,
    ) -> Result<WebhookSecretPayload> {
        Ok(webhooks::rotate_secret(app(ctx), &actor(ctx)?, id.parse()?).await?.into())
    }

    /// Disables an endpoint: it is told nothing, and what waits for it is given up. You must have the scope
    /// `feed:read`, too. Needs the scope `webhooks:write`.
    #[graphql(requires(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn disable_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint's `id`.")] id: ID,
    ) -> Result<WebhookPayload> {
        Ok(webhooks::disable(app(ctx), &actor(ctx)?, id.parse()?).await?.into())
    }

    /// Enables an endpoint, which is told of what happens from now on; `replayWebhook` tells it what it has missed. You
    /// must have the scope `feed:read`, too. Needs the scope `webhooks:write`.
    #[graphql(requires(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn enable_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint's `id`.")] id: ID,
    ) -> Result<WebhookPayload> {
        Ok(webhooks::enable(app(ctx), &actor(ctx)?, id.parse()?).await?.into())
    }

    /// Deletes an endpoint, and the log of what it was told. You must have the scope `feed:read`, too. Needs the scope
    /// `webhooks:write`.
    #[graphql(requires(HasScope(WEBHOOKS_WRITE)), tag = "admin")]
    async fn delete_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint's `id`.")] id: ID,
    ) -> Result<DeleteWebhookPayload> {
        webhooks::delete(app(ctx), &actor(ctx)?, id.parse()?).await?;
        Ok(DeleteWebhookPayload { id })
    }
}
