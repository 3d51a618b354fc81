//! Service clients: `clients`, `createClient`, `rotateClientSecret`, `disableClient`.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use subgraph::{guarded, requires};

use super::caller::{actor, app};
use super::error::Result;
use super::guard::HasScope;
use engine::clients::{self, CLIENTS_READ, CLIENTS_WRITE, NewClient, WithSecret};
use model::error::Error;
use model::values::{Held, Projection, Scope, Scopes};
use store::service_clients::Model;

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
    /// What it is shown of users; null: everything.
    projection: Option<ClientProjection>,
}

/// What a service client is shown of users in the feed, in `user` and as entities.
#[derive(SimpleObject)]
pub struct ClientProjection {
    /// Users with any of these roles …
    roles: Vec<String>,
    /// … or any of these scopes are shown; all users when there is neither.
    scopes: Vec<String>,
    /// The fields of these users that are shown, beside `id`, `version`, `updatedAt`, `deletedAt` and `isActive`;
    /// `metadata.KEY` is a single key of the metadata. Null: all.
    fields: Option<Vec<String>>,
}

/// What a service client is to be shown of users.
#[derive(InputObject)]
pub struct ClientProjectionInput {
    /// Users with any of these roles …
    #[graphql(default)]
    roles: Vec<String>,
    /// … or any of these scopes; all users when there is neither.
    #[graphql(default)]
    scopes: Vec<String>,
    /// The fields that are shown of these users, named as in `User`, beside `id`, `version`, `updatedAt`, `deletedAt`
    /// and `isActive`; `metadata.KEY` is a single key of the metadata. All when left out.
    fields: Option<Vec<String>>,
}

impl ClientProjectionInput {
    fn parse(self) -> Result<Projection> {
        let users = Held { roles: self.roles.into_iter().collect(), scopes: parse(&self.scopes)? };
        Ok(Projection::parse(users, self.fields.as_deref())?)
    }
}

impl From<Projection> for ClientProjection {
    fn from(projection: Projection) -> Self {
        let Held { roles, scopes } = projection.users();
        Self { roles: roles.iter().cloned().collect(), scopes: scopes.to_strings(), fields: projection.fields() }
    }
}

fn parse(scopes: &[String]) -> Result<Scopes> {
    Ok(scopes.iter().map(|scope| scope.parse::<Scope>()).collect::<std::result::Result<_, _>>()?)
}

/// What is to be different about a service client.
#[derive(InputObject)]
pub struct UpdateClientInput {
    /// Which client.
    id: ID,
    /// What it is shown of users; null: everything.
    projection: MaybeUndefined<ClientProjectionInput>,
}

/// A client that was changed.
#[derive(SimpleObject)]
pub struct UpdateClientPayload {
    /// The client, as it is now.
    client: ServiceClient,
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
    /// What it is shown of users; everything when left out.
    projection: Option<ClientProjectionInput>,
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
            projection: client.projection.map(ClientProjection::from),
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
        let projection = input.projection.map(ClientProjectionInput::parse).transpose()?;
        let (name, scopes, audiences) = (input.name, parse(&input.scopes)?, input.audiences);
        let new = NewClient { name, scopes, audiences, projection };
        let WithSecret { client, secret } = clients::create(app(ctx), &actor(ctx)?, new).await?;
        Ok(CreateClientPayload { client: ServiceClient::new(client), secret: secret.expose_secret().to_owned() })
    }

    /// Changes what a service client is shown of users. It reads them all anew then: its cursors of the feed expire.
    /// You must have every scope that the client has. Needs the scope `clients:write`.
    #[graphql(requires(HasScope(CLIENTS_WRITE)), tag = "admin")]
    async fn update_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What shall be different.")] input: UpdateClientInput,
    ) -> Result<UpdateClientPayload> {
        let projection = match input.projection {
            MaybeUndefined::Undefined => return Err(Error::invalid("projection", "must be given, or null").into()),
            MaybeUndefined::Null => None,
            MaybeUndefined::Value(projection) => Some(projection.parse()?),
        };
        let client = clients::set_projection(app(ctx), &actor(ctx)?, input.id.parse()?, projection).await?;
        Ok(UpdateClientPayload { client: ServiceClient::new(client) })
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
