//! Service clients: `clients`, `createClient`, `rotateClientSecret`, `disableClient`.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use subgraph::{access, guarded};

use super::caller::{actor, app};
use super::error::Result;
use super::guard::HasScope;
use engine::clients::{self, CLIENTS_READ, CLIENTS_WRITE, NewClient, WithSecret};
use model::error::Error;
use model::values::{Projection, RolesAndScopes, Scope, Scopes};
use store::clients::Model;

/// A program that authenticates at the token endpoint with its own secret.
#[derive(SimpleObject)]
pub struct ServiceClient {
    /// Identifier of the client. It is the `client_id` at the token endpoint, and the claim `sub` of the client's
    /// tokens.
    id: ID,
    /// Name of the client, for people to read.
    name: String,
    /// Scopes that the client can request.
    scopes: Vec<String>,
    /// Audiences that the client can request tokens for.
    audiences: Vec<String>,
    /// Time at which the client was created (UTC).
    created_at: DateTime<Utc>,
    /// Time at which the client was disabled (UTC). Null while it is enabled.
    disabled_at: Option<DateTime<Utc>>,
    /// Users and fields that the client can see. Null when it can see everything.
    projection: Option<ClientProjection>,
}

/// Restriction of the users and fields that a service client sees: in the change feed, in `user` and as entities of the
/// graph.
#[derive(SimpleObject)]
pub struct ClientProjection {
    /// The client sees users who have any of these roles, or any of `scopes`. When both lists are empty, it sees all
    /// users.
    roles: Vec<String>,
    /// The client sees users who have any of these scopes, or any of `roles`. When both lists are empty, it sees all
    /// users.
    scopes: Vec<String>,
    /// Fields of `User` that the client sees, in addition to `id`, `version`, `updatedAt`, `deletedAt` and `isActive`,
    /// which it always sees. `metadata.KEY` is a single key of the metadata. Null when it sees every field.
    fields: Option<Vec<String>>,
}

/// Restriction of the users and fields that a service client sees.
#[derive(InputObject)]
pub struct ClientProjectionInput {
    /// Roles: the client sees users who have any of these roles, or any of `scopes`. When both lists are empty, it sees
    /// all users.
    #[graphql(default)]
    roles: Vec<String>,
    /// Scopes: the client sees users who have any of these scopes, or any of `roles`. When both lists are empty, it
    /// sees all users.
    #[graphql(default)]
    scopes: Vec<String>,
    /// Fields of `User` that the client sees, in addition to `id`, `version`, `updatedAt`, `deletedAt` and `isActive`,
    /// which it always sees. `metadata.KEY` is a single key of the metadata. By default, it sees every field.
    fields: Option<Vec<String>>,
}

impl ClientProjectionInput {
    fn parse(self) -> Result<Projection> {
        let users = RolesAndScopes { roles: self.roles.into_iter().collect(), scopes: parse(&self.scopes)? };
        Ok(Projection::parse(users, self.fields.as_deref())?)
    }
}

impl From<Projection> for ClientProjection {
    fn from(projection: Projection) -> Self {
        let RolesAndScopes { roles, scopes } = projection.users();
        Self { roles: roles.iter().cloned().collect(), scopes: scopes.to_strings(), fields: projection.fields() }
    }
}

fn parse(scopes: &[String]) -> Result<Scopes> {
    Ok(scopes.iter().map(|scope| scope.parse::<Scope>()).collect::<std::result::Result<_, _>>()?)
}

/// Changes to a service client.
#[derive(InputObject)]
pub struct UpdateClientInput {
    /// Identifier of the client.
    id: ID,
    /// Users and fields that the client can see. Null to let it see everything.
    projection: MaybeUndefined<ClientProjectionInput>,
}

/// Result of `updateClient`.
#[derive(SimpleObject)]
pub struct UpdateClientPayload {
    /// The client after the change.
    client: ServiceClient,
}

/// Details of the service client to create.
#[derive(InputObject)]
pub struct CreateClientInput {
    /// Name of the client: 1 to 100 characters. No other client can have it, not even a disabled one.
    name: String,
    /// Scopes that the client can request.
    scopes: Vec<String>,
    /// Audiences that the client can request tokens for. The configuration of the service must have each. By default,
    /// the services of this graph.
    #[graphql(default)]
    audiences: Vec<String>,
    /// Users and fields that the client can see. By default, it sees everything.
    projection: Option<ClientProjectionInput>,
}

/// Result of `createClient`.
#[derive(SimpleObject)]
pub struct CreateClientPayload {
    /// The client that was created.
    client: ServiceClient,
    /// Secret of the client. It is shown only once.
    secret: String,
}

/// Result of `rotateClientSecret`.
#[derive(SimpleObject)]
pub struct RotateClientSecretPayload {
    /// The client.
    client: ServiceClient,
    /// New secret of the client. It is shown only once, and the previous secret is no longer accepted.
    secret: String,
}

/// Result of `disableClient`.
#[derive(SimpleObject)]
pub struct DisableClientPayload {
    /// The client that was disabled.
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
    /// Lists the service clients, including disabled ones, oldest first. Requires the scope `clients:read`.
    #[graphql(access(HasScope(CLIENTS_READ)), tag = "admin")]
    async fn clients(&self, ctx: &Context<'_>) -> Result<Vec<ServiceClient>> {
        Ok(clients::list(app(ctx)).await?.into_iter().map(ServiceClient::new).collect())
    }
}

#[derive(Default)]
pub(super) struct ClientMutation;

#[guarded]
#[Object]
impl ClientMutation {
    /// Creates a service client. You can only give scopes that you have yourself. Fails with `CONFLICT` when the name
    /// is taken. Requires the scope `clients:write`.
    #[graphql(access(HasScope(CLIENTS_WRITE)), tag = "admin")]
    async fn create_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Details of the client.")] input: CreateClientInput,
    ) -> Result<CreateClientPayload> {
        let projection = input.projection.map(ClientProjectionInput::parse).transpose()?;
        let (name, scopes, audiences) = (input.name, parse(&input.scopes)?, input.audiences);
        let new = NewClient { name, scopes, audiences, projection };
        let WithSecret { client, secret } = clients::create(app(ctx), &actor(ctx)?, new).await?;
        Ok(CreateClientPayload { client: ServiceClient::new(client), secret: secret.expose_secret().to_owned() })
    }

    /// Changes the users and fields that a service client can see. Its cursors of the change feed expire, so that it
    /// reads all users again. You must have every scope that the client has. Requires the scope `clients:write`.
    #[graphql(access(HasScope(CLIENTS_WRITE)), tag = "admin")]
    async fn update_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Changes to the client.")] input: UpdateClientInput,
    ) -> Result<UpdateClientPayload> {
        let projection = match input.projection {
            MaybeUndefined::Undefined => return Err(Error::invalid("projection", "must be given, or null").into()),
            MaybeUndefined::Null => None,
            MaybeUndefined::Value(projection) => Some(projection.parse()?),
        };
        let client = clients::set_projection(app(ctx), &actor(ctx)?, input.id.parse()?, projection).await?;
        Ok(UpdateClientPayload { client: ServiceClient::new(client) })
    }

    /// Replaces the secret of a service client. Tokens that were issued to it remain valid. Requires the scope
    /// `clients:write`.
    #[graphql(access(HasScope(CLIENTS_WRITE)), tag = "admin")]
    async fn rotate_client_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the client.")] id: ID,
    ) -> Result<RotateClientSecretPayload> {
        let WithSecret { client, secret } = clients::rotate_secret(app(ctx), &actor(ctx)?, id.parse()?).await?;
        Ok(RotateClientSecretPayload { client: ServiceClient::new(client), secret: secret.expose_secret().to_owned() })
    }

    /// Disables a service client permanently. Its tokens are rejected from now on. You must have every scope that the
    /// client has. Requires the scope `clients:write`.
    #[graphql(access(HasScope(CLIENTS_WRITE)), tag = "admin")]
    async fn disable_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the client.")] id: ID,
    ) -> Result<DisableClientPayload> {
        let client = clients::disable(app(ctx), &actor(ctx)?, id.parse()?).await?;
        Ok(DisableClientPayload { client: ServiceClient::new(client) })
    }
}
