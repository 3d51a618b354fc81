//! Service clients: `clients`, `createClient`, `rotateClientSecret`, `disableClient`.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use subgraph::{guarded, requires};

use super::caller::{actor, app};
use super::error::Result;
use super::guard::HasScope;
use crate::auth::clients::{self, CLIENTS_READ, CLIENTS_WRITE, NewClient, WithSecret};
use crate::store::service_clients::Model;
use crate::values::{Scope, Scopes};

/// A program that signs in with a secret of its own, at the token endpoint.
#[derive(SimpleObject)]
pub struct ServiceClient {
    /// Names the client: the `client_id` at the token endpoint, and the subject of its tokens.
    id: ID,
    /// What people call it.
    name: String,
    /// What it may ask for.
    scopes: Vec<String>,
    /// Who its tokens may be for.
    audiences: Vec<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// From when on it can not sign in; null: it can.
    disabled_at: Option<DateTime<Utc>>,
}

/// A service client to be made.
#[derive(InputObject)]
pub struct CreateClientInput {
    /// What people call it, 1 to 100 characters. No other client may have the name, a disabled one among them.
    name: String,
    /// What it may ask for.
    scopes: Vec<String>,
    /// Who its tokens may be for; this service and the graph when left out.
    #[graphql(default)]
    audiences: Vec<String>,
}

/// A client that was made, and its secret.
#[derive(SimpleObject)]
pub struct CreateClientPayload {
    /// The client.
    client: ServiceClient,
    /// The secret. It is shown this once.
    secret: String,
}

/// A client with a new secret.
#[derive(SimpleObject)]
pub struct RotateClientSecretPayload {
    /// The client.
    client: ServiceClient,
    /// The secret. It is shown this once, and the one before is of no use any more.
    secret: String,
}

/// A client that was disabled.
#[derive(SimpleObject)]
pub struct DisableClientPayload {
    /// The client.
    client: ServiceClient,
}

impl ServiceClient {
    fn new(client: Model) -> Self {
        Self {
            id: client.id.0.into(),
            audiences: client.audiences(),
            scopes: client.scopes.to_strings(),
            name: client.name,
            created_at: client.created_at,
            disabled_at: client.disabled_at,
        }
    }
}

#[derive(Default)]
pub(super) struct ClientQuery;

#[guarded]
#[Object]
impl ClientQuery {
    /// The service clients, disabled ones among them, the oldest first. Needs the scope `clients:read`.
    #[graphql(requires(HasScope(CLIENTS_READ)), tag = "admin")]
    async fn clients(&self, ctx: &Context<'_>) -> Result<Vec<ServiceClient>> {
        Ok(clients::list(app(ctx)).await?.into_iter().map(ServiceClient::new).collect())
    }
}

#[derive(Default)]
pub(super) struct ClientMutation;

#[guarded]
#[Object]
impl ClientMutation {
    /// Makes a service client, with no more scopes than you have. Needs the scope `clients:write`.
    #[graphql(requires(HasScope(CLIENTS_WRITE)), tag = "admin")]
    async fn create_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The client.")] input: CreateClientInput,
    ) -> Result<CreateClientPayload> {
        let scopes =
            input.scopes.iter().map(|scope| scope.parse::<Scope>()).collect::<std::result::Result<Scopes, _>>()?;
        let new = NewClient { name: input.name, scopes, audiences: input.audiences };
        let WithSecret { client, secret } = clients::create(app(ctx), &actor(ctx)?, new).await?;
        Ok(CreateClientPayload { client: ServiceClient::new(client), secret: secret.expose_secret().to_owned() })
    }

    /// Gives a service client a new secret. Tokens that it has gotten stay good. Needs the scope `clients:write`.
    #[graphql(requires(HasScope(CLIENTS_WRITE)), tag = "admin")]
    async fn rotate_client_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The client's `id`.")] id: ID,
    ) -> Result<RotateClientSecretPayload> {
        let WithSecret { client, secret } = clients::rotate_secret(app(ctx), &actor(ctx)?, id.parse()?).await?;
        Ok(RotateClientSecretPayload { client: ServiceClient::new(client), secret: secret.expose_secret().to_owned() })
    }

    /// Disables a service client for good and ends its tokens. Needs the scope `clients:write`.
    #[graphql(requires(HasScope(CLIENTS_WRITE)), tag = "admin")]
    async fn disable_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The client's `id`.")] id: ID,
    ) -> Result<DisableClientPayload> {
        let client = clients::disable(app(ctx), &actor(ctx)?, id.parse()?).await?;
        Ok(DisableClientPayload { client: ServiceClient::new(client) })
    }
}
