//! Asking about tokens and ending them, as a client.

use secrecy::SecretString;

use super::Presenter;
use crate::app::App;
use crate::callers::Device;
use crate::callers::{Principal, Refusal, authentication};
use crate::sessions::{Reach, logout};
use crate::verification::{self, Verified};
use credentials::RefreshTokens;
use model::error::{Error, Result};
use model::values::{SessionId, TokenId};
use store::changes::{self, Kind};
use store::{revoked_tokens, service_clients, sessions};

/// What a token says, if it is good and this client may know: it serves the audience of the access token, or the token
/// was issued to it. None otherwise, and nobody is told which.
///
/// # Errors
/// When nobody knows: the database fails.
pub async fn introspect(app: &App, client: &service_clients::Model, token: &SecretString) -> Result<Option<Verified>> {
    let own = client.id.to_string();
    let found = verification::inspect(app, token).await?.ok();
    Ok(found.filter(|verified| match verified {
        Verified::Access(principal) => {
            let claims = principal.claims();
            claims.client_id == own || client.audiences().contains(&claims.aud)
        }
        Verified::Refresh(session) => session.client_id == own,
    }))
}

/// Ends a token of the client that presents it: with a user's token its session, of a service client's tokens this
/// one. A token that is not good has ended already.
///
/// # Errors
/// [`Error::Forbidden`] when the token is another client's, which is not touched.
pub async fn revoke(app: &App, presenter: &Presenter, token: &SecretString, device: &Device) -> Result<()> {
    if RefreshTokens::recognises(token) {
        return revoke_refresh(app, presenter, token, device).await;
    }
    let principal = match authentication::inspect(app, token).await {
        Ok(principal) => principal,
        Err(Refusal::Unknown) => return Err(Refusal::Unknown.into()),
        Err(_) => return Ok(()),
    };
    if principal.claims().client_id != presenter.client_id() {
        return Err(Error::Forbidden);
    }
    if principal.is_service() {
        return revoke_single(app, &principal, principal.claims().jti).await;
    }
    logout(app, None, Some(&principal), Reach::This, device).await.map(drop)
}

async fn revoke_refresh(app: &App, presenter: &Presenter, token: &SecretString, device: &Device) -> Result<()> {
    let Ok((id, _)) = app.refresh_tokens.decode(token) else { return Ok(()) };
    let Some(session) = sessions::find(&app.db, id).await? else { return Ok(()) };
    if session.client_id != presenter.client_id() {
        return Err(Error::Forbidden);
    }
    match logout(app, Some(token), None, Reach::This, device).await {
        // An outdated one has ended its session on the way.
        Ok(_) | Err(Error::TokenInvalid | Error::TokenReused) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The name of the token takes the place of a session's, in the outbox and in the set of what was ended.
async fn revoke_single(app: &App, principal: &Principal, token: TokenId) -> Result<()> {
    let now = app.clock.now();
    let session = SessionId(token.0);
    let txn = store::begin(&app.db).await?;
    if revoked_tokens::insert(&txn, token, now).await? {
        changes::append(&txn, Kind::TokenRevoked, principal.subject(), Some(session), 0, now).await?;
    }
    txn.commit().await?;
    app.revocations.insert(session, now);
    app.changed.notify_one();
    Ok(())
}
