//! Tokens for clients: their own tokens, and the next tokens of a session.

use chrono::Duration;
use secrecy::SecretString;

use super::CallingClient;
use crate::app::App;
use crate::callers::Device;
use crate::claims;
use crate::egress::claims_hook::{Question, TokenReason};
use crate::sessions::{self, TokenPair, scope_of};
use credentials::access_tokens::Grant;
use model::error::{Error, Result};
use model::values::{Holder, Scopes};
use store::{clients, users};

/// The properties that a client requests for its token.
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// Requested scopes; without them, all scopes that the client may have.
    pub scope: Option<Scopes>,
    /// Requested audience; without it, the audience of this service.
    pub audience: Option<String>,
}

/// The access token of a service client. There is no refresh token: the client has its secret.
#[derive(Debug)]
pub struct ClientToken {
    /// The token, for every other call.
    pub access_token: SecretString,
    /// Lifetime of the token.
    pub expires_in: Duration,
    /// Scopes that the token allows.
    pub scope: Scopes,
}

/// Grants an authenticated service client a token about itself.
///
/// # Errors
/// [`Error::ValidationFailed`] in `scope` or `audience` when it asks for more than it may have;
/// [`Error::InvalidCredentials`] when it was disabled meanwhile; [`Error::Unavailable`] when the claims hook fails.
pub async fn grant_client_credentials(
    app: &App,
    client: &clients::Model,
    request: TokenRequest,
) -> Result<ClientToken> {
    let audience = audience(app, client, request.audience)?;
    let allowed = app.config.scopes_for(&audience, client.scopes.clone());
    let scope = request.scope.unwrap_or_else(|| allowed.clone());
    let question = Question {
        reason: TokenReason::ClientCredentials,
        holder: Holder::Client(client.id),
        audience: &audience,
        client_id: &client.id.to_string(),
        scope: &scope,
    };
    check_scope(&scope, &allowed)?;
    let answer = claims::ask(app, &question).await?;
    let lifetime = app.config.tokens.access_lifetime;
    let granting = store::transaction(&app.db, async |txn| {
        // The client is locked until the token is signed, so that no token is issued after the client was disabled.
        let client = clients::find_locked(txn, client.id)
            .await?
            .filter(clients::Model::is_active)
            .ok_or(Error::InvalidCredentials)?;
        check_scope(&scope, &client.scopes)?;
        let now = app.clock.now();
        let grant = Grant {
            holder: Holder::Client(client.id),
            client_id: client.id.to_string(),
            scope: scope.clone(),
            auth_time: now,
            amr: Vec::new(),
            additional: claims::of_service(app, answer),
            act: None,
            issued_at: now,
            expires_at: now + lifetime,
        };
        app.tokens.access.mint_for(&app.tokens.keyring, &audience, grant)
    });
    let access_token = granting.await?;
    Ok(ClientToken { access_token, expires_in: lifetime, scope })
}

/// Replaces a refresh token by its successor, for the client that it was issued to.
///
/// # Errors
/// As [`sessions::refresh`]; [`Error::TokenInvalid`] when the token belongs to another client, in which case it stays
/// as it is; [`Error::ValidationFailed`] in `scope` or `audience` when the client asks for anything but the values of
/// the session.
pub async fn refresh(
    app: &App,
    client: &CallingClient,
    token: &SecretString,
    request: TokenRequest,
    device: &Device,
) -> Result<TokenPair> {
    let (id, _) = app.tokens.refresh.decode(token)?;
    // A session never changes its client, so this needs no lock.
    let session = store::sessions::find(&app.db, id)
        .await?
        .filter(|session| session.client_id == client.client_id())
        .ok_or(Error::TokenInvalid)?;
    if request.audience.is_some_and(|audience| audience != session.audience(&app.config.tokens.audience)) {
        return Err(Error::invalid("audience", "is not the one of this session"));
    }
    if let Some(requested) = request.scope {
        let user = users::find(&app.db, session.user_id).await?.ok_or(Error::TokenRevoked)?;
        if requested != scope_of(app, &session, &user) {
            return Err(Error::invalid("scope", "is not the one of this session"));
        }
    }
    sessions::refresh(app, token, device).await
}

fn check_scope(scope: &Scopes, allowed: &Scopes) -> Result<()> {
    match scope.intersection(allowed) == *scope {
        true => Ok(()),
        false => Err(Error::invalid("scope", "asks for more than this client may have")),
    }
}

/// Returns the audience that was asked for. The default is the audience of this service, or the first one of a client
/// that does not serve it. An audience that is no longer configured gets no tokens.
fn audience(app: &App, client: &clients::Model, asked: Option<String>) -> Result<String> {
    let mut served = client.audiences();
    served.retain(|audience| app.config.serves_audience(audience));
    let ours = &app.config.tokens.audience;
    match asked {
        Some(asked) if served.contains(&asked) => Ok(asked),
        Some(_) => Err(Error::invalid("audience", "is not one of this client and of the configuration")),
        None if served.contains(ours) => Ok(ours.clone()),
        None => served
            .into_iter()
            .next()
            .ok_or_else(|| Error::invalid("audience", "of this client is not in the configuration any more")),
    }
}
