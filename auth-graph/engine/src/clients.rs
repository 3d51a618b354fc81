//! Service clients: programs that sign in with their own secret, and their operations on tokens.
//!
//! A service client has no session. A disabled client cannot be enabled; an administrator creates a new client instead.

mod authentication;
mod grants;
mod tokens;

use sea_orm::{DbErr, SqlErr};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::administration::{IMPERSONATE, USERS_WRITE};
use super::audit::{self, AUDIT_READ, Entry};
use super::callers::Actor;
use super::webhooks::{WEBHOOKS_READ, WEBHOOKS_WRITE};
use crate::app::App;
use credentials::client_secrets;
use model::error::{Error, Result};
use model::values::{ClientId, Projection, Revoked, Scopes};
use store::changes::{self, Kind};
use store::clients;

pub use authentication::{CallingClient, Credentials, authenticate, identify};
pub use grants::{ClientToken, TokenRequest, grant_client_credentials, refresh};
pub use tokens::{introspect, revoke};

/// Scope that allows listing service clients.
pub const CLIENTS_READ: &str = "clients:read";

/// Scope that allows creating service clients with no more scopes than the actor has, and changing such clients.
pub const CLIENTS_WRITE: &str = "clients:write";

/// A service client to be created.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Name for people, unique among the clients: 1 to 100 characters.
    pub name: String,
    /// Scopes that the client may ask for.
    pub scopes: Scopes,
    /// Audiences that the client serves, all of them configured; without any, the audience of this service.
    pub audiences: Vec<String>,
    /// Projection that limits the view that the client has of users; without it, the client sees everything.
    pub projection: Option<Projection>,
}

/// Scopes that show users, or let others see users, without regard to a projection.
const BEYOND_PROJECTIONS: [&str; 6] =
    [AUDIT_READ, CLIENTS_WRITE, IMPERSONATE, USERS_WRITE, WEBHOOKS_READ, WEBHOOKS_WRITE];

/// A client with a newly created secret. The secret cannot be shown again.
#[derive(Debug)]
pub struct WithSecret {
    /// The client.
    pub client: clients::Model,
    /// Secret of the client.
    pub secret: SecretString,
}

/// Creates a service client.
///
/// # Errors
/// [`Error::ValidationFailed`] for a bad name or audience; [`Error::Conflict`] when the name is taken;
/// [`Error::Forbidden`] when it could do more than the actor.
pub async fn create(app: &App, actor: &Actor, new: NewClient) -> Result<WithSecret> {
    let name = new.name.trim();
    if !(1..=100).contains(&name.chars().count()) || name.contains(char::is_control) {
        return Err(Error::invalid("name", "must have 1 to 100 characters and no control characters"));
    }
    let mut audiences = new.audiences;
    if audiences.is_empty() {
        audiences.push(app.config.tokens.audience.clone());
    }
    if !audiences.iter().all(|audience| app.config.serves_audience(audience)) {
        return Err(Error::invalid(
            "audiences",
            "must be tokens.audience or tokens.further_audiences of the configuration",
        ));
    }
    let now = app.clock.now();
    let secret = client_secrets::generate()?;
    let client = clients::Model {
        id: ClientId::generate(now),
        kind: clients::Kind::Service,
        name: name.to_owned(),
        secret_hash: Some(client_secrets::hash(&secret)),
        scopes: new.scopes,
        audiences: json!(audiences),
        created_at: now,
        disabled_at: None,
        projection: new.projection,
        projection_generation: 0,
    };
    check_projection(app, &client)?;
    let created = store::transaction(&app.db, async |txn| {
        actor.powers(app, txn).await?.require_scopes(&client.scopes)?;
        clients::insert(txn, &client).await.map_err(taken)?;
        audit::record(app, txn, actor, entry("client.create", json!(null), &client)).await
    });
    created.await?;
    tracing::info!(client = %client.id, "a service client was made");
    Ok(WithSecret { client, secret })
}

/// Returns every service client, including disabled ones, the oldest first.
pub async fn list(app: &App) -> Result<Vec<clients::Model>> {
    Ok(clients::all(&app.db).await?)
}

/// Replaces the secret of a client. The old secret stops working immediately; tokens that the client has received stay
/// valid.
///
/// # Errors
/// [`Error::NotFound`] when there is no such client; [`Error::Conflict`] when it is disabled; [`Error::Forbidden`] when
/// it can do more than the actor.
pub async fn rotate_secret(app: &App, actor: &Actor, id: ClientId) -> Result<WithSecret> {
    let secret = client_secrets::generate()?;
    let hash = client_secrets::hash(&secret);
    let rotating = store::transaction(&app.db, async |txn| {
        let client = clients::find_locked(txn, id).await?.ok_or(Error::NotFound)?;
        if !client.is_active() {
            return Err(Error::Conflict("This client is disabled."));
        }
        actor.powers(app, txn).await?.require_scopes(&client.scopes)?;
        clients::set_secret_hash(txn, id, &hash).await?;
        audit::record(app, txn, actor, entry("client.rotate_secret", json!(null), &client)).await?;
        changes::append_client(txn, Kind::ClientSecretChanged, id, app.clock.now()).await?;
        Ok(client)
    });
    let client = rotating.await?;
    app.known_clients.forget(id);
    app.feed.written.notify_one();
    tracing::info!(client = %id, "a service client got a new secret");
    Ok(WithSecret { client, secret })
}

/// Sets the projection of a client; without one, it sees everything of users. Every feed cursor of the client expires,
/// so that it reads all users anew.
///
/// # Errors
/// [`Error::NotFound`] when there is no such client; [`Error::Conflict`] when it is disabled;
/// [`Error::ValidationFailed`] when its scopes show it more; [`Error::Forbidden`] when it can do more than the actor.
pub async fn set_projection(
    app: &App,
    actor: &Actor,
    id: ClientId,
    projection: Option<Projection>,
) -> Result<clients::Model> {
    let changing = store::transaction(&app.db, async |txn| {
        let mut client = clients::find_locked(txn, id).await?.ok_or(Error::NotFound)?;
        if !client.is_active() {
            return Err(Error::Conflict("This client is disabled."));
        }
        let before = facts(&client);
        client.projection = projection;
        client.projection_generation += 1;
        check_projection(app, &client)?;
        actor.powers(app, txn).await?.require_scopes(&client.scopes)?;
        clients::set_projection(txn, &client).await?;
        audit::record(app, txn, actor, entry("client.update", before, &client)).await?;
        changes::append_client(txn, Kind::ClientChanged, id, app.clock.now()).await?;
        Ok(client)
    });
    let client = changing.await?;
    app.known_clients.forget(id);
    app.feed.written.notify_one();
    Ok(client)
}

/// Rejects roles that no user can have, and scopes that would show a limited client more.
fn check_projection(app: &App, client: &clients::Model) -> Result<()> {
    let roles = client.projection.iter().flat_map(|projection| &projection.users().roles);
    if !roles.into_iter().all(|role| app.config.roles.contains_key(role)) {
        return Err(Error::invalid("roles", "must be roles of the configuration"));
    }
    match BEYOND_PROJECTIONS.into_iter().find(|scope| client.scopes.contains(scope)) {
        Some(scope) if client.projection.is_some() => {
            Err(Error::invalid("projection", format!("is not for a client with the scope {scope}")))
        }
        _ => Ok(()),
    }
}

/// Disables a client permanently and ends its tokens. A second call does nothing.
///
/// # Errors
/// [`Error::NotFound`] when there is no such client; [`Error::Forbidden`] when it can do more than the actor.
pub async fn disable(app: &App, actor: &Actor, id: ClientId) -> Result<clients::Model> {
    let disabling = store::transaction(&app.db, async |txn| {
        let mut client = clients::find_locked(txn, id).await?.ok_or(Error::NotFound)?;
        actor.powers(app, txn).await?.require_scopes(&client.scopes)?;
        if !client.is_active() {
            return Ok((client, None));
        }
        // The time is read while the client is locked: a token that was granted earlier cannot outlive the entry that
        // remembers this.
        let now = app.clock.now();
        client.disabled_at = Some(now);
        clients::disable(txn, id, now).await?;
        audit::record(app, txn, actor, entry("client.disable", json!(null), &client)).await?;
        changes::append_client(txn, Kind::ClientRevoked, id, now).await?;
        Ok((client, Some(now)))
    });
    let (client, disabled_now) = disabling.await?;
    let Some(now) = disabled_now else { return Ok(client) };
    app.tokens.revocations.insert(Revoked::Client(id), now);
    app.known_clients.forget(id);
    app.feed.written.notify_one();
    tracing::info!(client = %id, "a service client was disabled");
    Ok(client)
}

/// Returns the facts about a client that the audit log records, never its secret.
fn facts(client: &clients::Model) -> Value {
    json!({
        "name": client.name,
        "scopes": client.scopes.to_strings(),
        "audiences": client.audiences,
        "disabled": !client.is_active(),
        "projection": client.projection,
    })
}

fn entry(action: &'static str, before: Value, client: &clients::Model) -> Entry {
    let (target_id, after) = (client.id.to_string(), facts(client));
    Entry { action, target_kind: "client", target_id, before, after, reason: None }
}

fn taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::Conflict("This name is taken."),
        _ => error.into(),
    }
}
